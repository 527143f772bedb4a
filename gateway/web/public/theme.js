// Before the first paint, so that nobody who works in the dark is flashed. A file of its own: the content security policy allows no inline script.
(function () {
  var theme = localStorage.getItem("trunkline.theme") || "system";
  var dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
