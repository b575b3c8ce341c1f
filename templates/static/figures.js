// A figure of a page opens in a dialog over it: the figure's own page, which is complete without this, is fetched and shown.
"use strict";

const dialog = document.createElement("dialog");
dialog.className = "opened";
dialog.innerHTML =
  '<form method="dialog"><button type="button" hidden>Back</button> <button type="submit">Close</button></form>' +
  '<p role="status"></p><div></div>';
const [back] = dialog.querySelectorAll("button");
const status = dialog.querySelector("p");
const content = dialog.querySelector("div");
const ways = [];
let asked = 0;

const addCopying = (root) => {
  for (const text of root.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text.dataset.copy === "link" ? "Copy link" : "Copy as curl";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(text); // not allowed here: it is ready to be copied by hand
      }
    });
    text.after(" ", button);
  }
};

const show = async (address) => {
  const number = ++asked;
  dialog.setAttribute("aria-label", "What a figure is made of");
  status.textContent = "Taking the figure apart …";
  content.replaceChildren();
  back.hidden = ways.length < 2;
  if (!dialog.open) dialog.showModal();
  let article = null;
  try {
    const answer = await fetch(address);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.redirected) article = page.querySelector(".made, .narrow");
  } catch {
    status.textContent = "The service does not answer. Try again.";
    return;
  }
  if (number !== asked || !dialog.open) return;
  if (!article) {
    location.assign(address); // to log in, say
    return;
  }
  status.textContent = "";
  content.replaceChildren(document.adoptNode(article));
  const title = content.querySelector("h1");
  dialog.setAttribute("aria-label", title.textContent);
  title.tabIndex = -1;
  title.focus();
  dialog.scrollTop = 0;
  addCopying(content);
};

const showNext = (address) => {
  ways.push(address);
  show(address);
};

document.body.append(dialog);
addCopying(document);

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.fig");
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlain || link.closest("main .made")) return;
  event.preventDefault();
  showNext(link.href);
});
back.addEventListener("click", () => {
  ways.pop();
  show(ways.at(-1));
});
dialog.addEventListener("close", () => {
  ways.length = 0;
  content.replaceChildren();
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // beside it
});
