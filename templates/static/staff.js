// What Django's admin leaves without a name for those who do not see it: widgets, pictures, headings of columns, regions that scroll.
"use strict";

const labelOf = (field) => {
  const cell = field.closest("td");
  if (!cell) return field.closest(".form-row")?.querySelector("label, legend");
  return cell.closest("table").tHead?.rows[0].cells[cell.cellIndex];
};

const nameWidgets = (root) => {
  for (const input of root.querySelectorAll(".datetime input, td input:not([type=hidden]), td select, td textarea")) {
    const label = labelOf(input);
    if (input.labels.length || input.ariaLabel || !label) continue;
    const kind = input.matches(".vDateField") ? " date" : input.matches(".vTimeField") ? " time" : "";
    input.ariaLabel = label.textContent.trim().replace(/:$/, "") + kind;
  }
  for (const box of root.querySelectorAll(".select2-selection")) {
    const label = labelOf(box);
    const chosen = box.querySelector("[id]");
    if (!label || !chosen) continue;
    label.id ||= `${chosen.id}_label`;
    chosen.setAttribute("aria-labelledby", label.id);
    box.setAttribute("aria-labelledby", `${label.id} ${chosen.id}`);
  }
  for (const each of root.querySelectorAll("[aria-describedby]")) {
    if (!document.getElementById(each.getAttribute("aria-describedby"))) each.removeAttribute("aria-describedby");
  }
};

const nameAll = () => {
  nameWidgets(document);
  for (const picture of document.querySelectorAll(".help-tooltip[aria-label]")) picture.setAttribute("role", "img");
  for (const heading of document.querySelectorAll("th:empty")) heading.setAttribute("role", "presentation");
  for (const region of document.querySelectorAll("pre, .inline-group, .results, .graph")) {
    if (region.scrollWidth > region.clientWidth || region.scrollHeight > region.clientHeight) region.tabIndex = 0;
  }
};

// after the scripts of the widgets, of which some begin with jQuery's ready, which may be later than the load
addEventListener("load", nameAll);
window.django?.jQuery?.(nameAll);
document.addEventListener("formset:added", (event) => nameWidgets(event.target));
