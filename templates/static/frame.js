// Another day, range or span without loading the page anew: htmx fetches the whole page, and takes content and frame from it.
// Whatever is no such page, a refusal or the log-in, is gone to as by a link.
"use strict";

const main = () => document.getElementById("main");
let chosenTabs = [];

document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr, pathInfo } = event.detail;
  const asked = new URL(pathInfo.finalRequestPath, location.href);
  const answered = new URL(xhr.responseURL, location.href);
  if (xhr.status === 200 && answered.pathname === asked.pathname) {
    chosenTabs = [...main().querySelectorAll(".tabs > input:checked")].map((each) => each.id);
    return;
  }
  event.preventDefault();
  location.assign(xhr.status === 200 ? answered : asked);
});

document.addEventListener("htmx:sendError", (event) => location.assign(event.detail.pathInfo.finalRequestPath));

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target !== main()) return;
  for (const id of chosenTabs) {
    const tab = document.getElementById(id);
    if (tab) tab.checked = true;
  }
  if (document.activeElement === document.body) main().focus({ preventScroll: true });
});
