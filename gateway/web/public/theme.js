// Before the first paint; no inline script may run.
(function () {
  var theme = localStorage.getItem("trunkline.theme") || "system";
  var dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
