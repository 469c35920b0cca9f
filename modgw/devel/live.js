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

  function connect() {
    var events = new EventSource(own.modgwEvents);
    events.onmessage = function (message) {
      var now = JSON.parse(message.data);
      if (now.revision !== own.modgwRevision) {
        events.close();
        location.reload();
      } else if (String(now.styles) !== String(styles)) {
        refreshStyles(now.styles);
      }
    };
    events.onerror = function () {
      if (events.readyState === EventSource.CLOSED) setTimeout(connect, 1000);
    };
    window.addEventListener("pagehide", function () { events.close(); });
  }

  window.addEventListener("pageshow", function (shown) { if (shown.persisted) connect(); });
  connect();
})();
