// The shop's own script; beacon.js beside it would do without.

// Show what beacon.js tells the servers: this tab's latest beacons, on the strip at the page's foot.
const strip = document.querySelector(".strip")
let told = []
try {
  told = JSON.parse(sessionStorage.told ?? "[]")
} catch {} // storage is forbidden: those of this page only
const send = window.fetch
window.fetch = (url, options) => {
  if (options?.headers?.event) {
    const { event, page, custom_metric_name: name, ...rest } = options.headers
    const value = rest.custom_metric_int_value ?? rest.custom_metric_string_value
    const about = name ? `${page} · ${name} ${value}` : page
    told = [[event, about], ...told].slice(0, 4)
    strip.replaceChildren("Beacons sent:", ...told.map(line))
    try {
      sessionStorage.told = JSON.stringify(told)
    } catch {}
  }
  return send(url, options)
}

function line([event, about]) {
  const shown = document.createElement("span")
  const name = document.createElement("b")
  name.textContent = event
  shown.append(name, ` ${about}`)
  return shown
}

// Fetched whole: Safari plays nothing from a server that sends no ranges, and beacon servers don't.
const video = document.querySelector("video")
if (video) {
  send(video.dataset.src)
    .then((answer) => answer.blob())
    .then((film) => (video.src = URL.createObjectURL(film)))
}

// A bug, on purpose: so you see what becomes of an exception.
document.querySelector("#voucher")?.addEventListener("click", () => {
  document.querySelector("#no-such-field").value = "WELCOME"
})
