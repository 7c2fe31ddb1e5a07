// The shop's own script; beacon.js works without it.

// Show this tab's latest beacons, as beacon.js sends them, in the bar at the bottom of the page.
const strip = document.querySelector(".strip")
let sent = []
try {
  sent = JSON.parse(sessionStorage.sent ?? "[]")
} catch {} // storage is blocked: show this page's only
const send = window.fetch
window.fetch = (url, options) => {
  if (options?.headers?.event) {
    const { event, page, custom_metric_name: name, ...rest } = options.headers
    const value = rest.custom_metric_int_value ?? rest.custom_metric_string_value
    const about = [page, ...(name ? [`${name} ${value}`] : [])].map(readable).join(" · ")
    sent = [[readable(event), about], ...sent].slice(0, 4)
    strip.replaceChildren("Beacons sent:", ...sent.map(line))
    try {
      sessionStorage.sent = JSON.stringify(sent)
    } catch {}
  }
  return send(url, options)
}

// A header's characters are bytes of UTF-8.
function readable(header) {
  return new TextDecoder().decode(Uint8Array.from(header, (byte) => byte.charCodeAt()))
}

function line([event, about]) {
  const shown = document.createElement("span")
  const name = document.createElement("b")
  name.textContent = event
  shown.append(name, ` ${about}`)
  return shown
}

// Fetched whole: Safari plays videos only from servers that support ranges; beacon servers don't.
const video = document.querySelector("video")
if (video) {
  send(video.dataset.src)
    .then((answer) => answer.blob())
    .then((film) => (video.src = URL.createObjectURL(film)))
}

// A bug, on purpose: it shows how an exception is reported.
document.querySelector("#voucher")?.addEventListener("click", () => {
  document.querySelector("#no-such-field").value = "WELCOME"
})
