// In a tab of Airflow's page: its colours, and links that its frame would not let out.
// The frame has allow-scripts and allow-same-origin, but no allow-popups and no allow-top-navigation.
"use strict";
(() => {
  if (window.parent === window) return;
  const airflow = window.parent.document;
  const follow = () => {
    const dark = airflow.documentElement.classList.contains("dark");
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  };
  follow();
  new MutationObserver(follow).observe(airflow.documentElement, { attributeFilter: ["class"] });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[target]");
    if (link === null) return;
    event.preventDefault();
    const outside = airflow.createElement("a");
    outside.href = link.href;
    outside.target = link.target === "_top" && !event.ctrlKey && !event.metaKey ? "_self" : "_blank";
    outside.rel = "noopener noreferrer";
    outside.click();
  });
})();
