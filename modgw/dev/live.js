(function () {
  "use strict";
  if (window.__modgwLive || !window.EventSource) return;
  window.__modgwLive = true;
  var own = document.currentScript.dataset;
  var styles = own.modgwStyles;

  function refreshStyles(number) {
    styles = number;
    document.querySelectorAll('link[rel~="stylesheet"][href]').forEach(function (old) {
      var url = new URL(old.href, location.href);
      if (url.origin !== location.origin) return;
      url.searchParams.set("modgw", number);
      var fresh = old.cloneNode();
      fresh.href = url.href;
      fresh.addEventListener("load", function () { old.remove(); });
      fresh.addEventListener("error", function () { fresh.remove(); });
      old.after(fresh);
    });
  }

  var events = null, again = 0;

  function connect() {
    clearTimeout(again);
    if (events || document.hidden) return;
    events = new EventSource(own.modgwEvents);
    events.onmessage = function (message) {
      var now = JSON.parse(message.data);
      if (now.revision !== own.modgwRevision) {
        disconnect();
        location.reload();
      } else if (String(now.styles) !== String(styles)) {
        refreshStyles(now.styles);
      }
    };
    events.onerror = function () {
      if (events && events.readyState === EventSource.CLOSED) {
        disconnect();
        again = setTimeout(connect, 1000);
      }
    };
  }

  function disconnect() {
    clearTimeout(again);
    if (events) events.close();
    events = null;
  }

  // A browser has few connections for one host: pages that nobody sees leave them to the others.
  document.addEventListener("visibilitychange", function () { document.hidden ? disconnect() : connect(); });
  window.addEventListener("pagehide", disconnect);
  window.addEventListener("pageshow", connect);
  connect();
})();
