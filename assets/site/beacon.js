// Sends a beacon for each event on a page; what-we-see.html has its attributes.
// No cookie, no personal data: clientid is random, and is deleted with its tab.
{
  const { src, dataset } = document.currentScript
  const { hidden, referrer } = document
  const url = new URL(dataset.endpoint ?? "beacon", src)
  const root = new URL(dataset.endpoint ? "/" : ".", src) // a proxy's prefix, if any
  const on = (event, act) => addEventListener(event, act, true)
  const path = (href) => {
    let found = ""
    try {
      found = new URL(new URL(href, location).href.replace(root, root.origin + "/")).pathname
      found = decodeURI(found) // é, not %C3%A9
    } catch {} // not a URL, not UTF-8
    return found
  }

  const start = () => {
    let page = path(location)
    let clientid = Math.random().toString(36).slice(2)
    try {
      clientid = sessionStorage.beaconClientid ??= clientid
    } catch {} // blocked: one id for each page

    // A beacon is its headers. sendBeacon can't set them; keepalive sends when the page is left.
    const send = (event, more, how = fetch, signal) => {
      const all = { event, clientid, page, automation: navigator.webdriver && "webdriver", ...more }
      const headers = {}
      for (const name in all) {
        const text = unescape(encodeURIComponent(all[name])).slice(0, 1000) // a character a byte
        if (all[name]) headers[name] = text.replace(/[\0-\x1f\x7f]/g, " ")
      }
      const options = { headers, signal, keepalive: true, referrerPolicy: "no-referrer" }
      how(url, options).catch?.(() => {})
    }

    // Only the first view has a source.
    const { host, searchParams } = new URL(location)
    const site = referrer && new URL(referrer).host
    let from = {
      source: searchParams.get("utm_source") || (host && site != host && site),
      campaign: searchParams.get("utm_campaign"),
    }
    let viewed
    const loading = new AbortController()
    try {
      send("pageview", from, fetchLater, loading.signal) // if its tab is closed first
    } catch {} // in Chromium only
    const view = (more) => {
      loading.abort()
      if (viewed != page) send("pageview", { ...more, ...from })
      viewed = page
      from = {}
    }
    on("load", () => {
      const ms = Math.round(performance.now())
      view(!hidden && { custom_metric_name: "page_load_time", custom_metric_int_value: ms })
    })
    on("pagehide", () => view()) // left while it loads
    on("visibilitychange", () => document.hidden && view()) // first in a closed tab
    on("pageshow", ({ persisted }) => persisted && view((viewed = 0)))
    if (document.readyState == "complete") view()
    const moved = (how) => {
      if (path(location) == page) return
      if (how != "replaceState") view() // the former path
      page = path(location)
      view()
    }
    on("popstate", moved)
    for (const name of ["pushState", "replaceState"]) {
      const change = history[name]
      history[name] = (...given) => {
        change.apply(history, given)
        moved(name)
      }
    }

    let pressed
    const submitted = ({ target }) => {
      clearTimeout(pressed)
      send(target.getAttribute("data-beacon") || "submit")
    }
    on("submit", submitted)
    on("click", (event) => {
      // A field may hide its form's matches().
      const find = (what) => event.composedPath().find((at) => at.webkitMatchesSelector?.(what))
      const named = find("[data-beacon]")
      const control = find("a, button, input, label, select, textarea")
      if (control?.control) return // a label: its control is clicked next
      // A submit stays in its shadow root.
      if (control?.getRootNode() != document) control?.form?.addEventListener("submit", submitted)
      if (named && named != find("form")) send(named.getAttribute("data-beacon") || "click")
      // A submit replaces its click.
      else if (control?.form && control.type == "submit") pressed = setTimeout(send, 0, "click")
      else if (find("a, button")) send("click")
    })
    on("play", () => send("play"))
    on("pause", () => send("stop"))
    const failed = ({ error, reason, promise, message, filename, lineno }) => {
      // A missing file and ResizeObserver's notice have no error.
      if (!(error ?? promise ?? (message && !filename))) return
      const name = (error ?? reason)?.name ?? "Error"
      const text = `${name} ${path(filename || location)} ${lineno ?? ""}`
      send("exception", { custom_metric_name: "exception", custom_metric_string_value: text })
    }
    on("error", failed)
    on("unhandledrejection", failed)
  }

  // Prerendered, or in a tab behind: not yet viewed.
  if (!("optOut" in dataset && (navigator.globalPrivacyControl || navigator.doNotTrack == 1)))
    hidden ? addEventListener("visibilitychange", start, { once: true }) : start()
}
