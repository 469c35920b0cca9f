(function () {
  "use strict";
  var button = document.getElementById("copy"), text = document.getElementById("plain");
  if (!button || !text) return;
  button.hidden = false;
  function said(word) {
    var before = button.textContent;
    button.textContent = word;
    setTimeout(function () { button.textContent = before; }, 1500);
  }
  function select() {
    text.closest("details").open = true;
    getSelection().selectAllChildren(text);
    said(document.execCommand("copy") ? "Copied" : "Press Ctrl+C");
  }
  button.addEventListener("click", function () {
    if (!navigator.clipboard) return select();
    navigator.clipboard.writeText(text.textContent).then(function () { said("Copied"); }, select);
  });
})();
