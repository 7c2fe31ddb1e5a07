// Sends a beacon for each event on this page: <script src="//SERVERS/beacon.js" defer></script>
// data-beacon="conversion" on a link, button or form names what it reports (else: click).
// No cookie, no personal data: clientid is random, and is deleted with this tab; it connects the
// steps of a visit. Only the path of a URL is sent.
{
  const { src, dataset } = document.currentScript
  const url = new URL(dataset.endpoint ?? "beacon", src)
  const root = new URL(".", url).pathname // a proxy's prefix, if any
  const path = (href) => new URL(href).pathname.replace(root, "/")
  let clientid = Math.random().toString(36).slice(2)
  try {
    clientid = sessionStorage.clientid ??= clientid
  } catch {} // blocked: one id for each page

  // A beacon is its headers. sendBeacon can't set any; keepalive also sends after the page is left.
  const send = (event, metric) =>
    fetch(url, {
      headers: { event, clientid, page: path(location), ...metric },
      keepalive: true,
      referrerPolicy: "no-referrer", // it would contain this page's URL
    }).catch(() => {})
  const on = (events, act) => events.split(" ").map((event) => addEventListener(event, act, true))

  let viewed
  on("load pagehide", ({ type }) => {
    // Viewed, even if left while it loads.
    const ms = Math.round(performance.now())
    const took = { custom_metric_name: "page_load_time", custom_metric_int_value: ms }
    viewed ??= send("pageview", type == "load" && took)
  })
  on("click", ({ target }) => {
    const at = target.closest("a, button")
    if (at) send(at.dataset.beacon ?? "click")
  })
  on("submit", ({ target }) => send(target.dataset.beacon ?? "submit"))
  on("play pause", ({ type }) => send(type == "play" ? type : "stop"))
  on("error unhandledrejection", ({ error, reason, filename, lineno }) => {
    const { name } = error ?? reason ?? {}
    const at = `${name} ${path(filename || location)} ${lineno ?? ""}`
    if (name) send("exception", { custom_metric_name: "exception", custom_metric_string_value: at })
  })
}
