// The editor of a draft: completion, findings at their line and the graph of the steps as it is typed. Without it the page is a form.
"use strict";

const field = document.getElementById("text");
const form = document.getElementById("draft");
const findings = document.getElementById("findings");
const graph = document.getElementById("graph");
let catalogue = { capabilities: {}, ctx: {}, input_types: [], panels: {}, formats: [] };

// A shadow root takes the editor's style sheets as objects; in the page they would be text, which the policy refuses.
const host = document.createElement("div");
host.className = "editor";
const shadow = host.attachShadow({ mode: "open", delegatesFocus: true });

const stepsOf = (text) => {
  const steps = {};
  for (const [, capability, rest] of text.matchAll(/"capability"\s*:\s*"([^"]+)"((?:(?!"capability")[\s\S])*)/g)) {
    const name = /"as"\s*:\s*"([^"]+)"/.exec(rest);
    if (name) steps[name[1]] = capability;
  }
  return steps;
};

let inputs = [];
const inputsOf = (text) => {
  try {
    inputs = Object.keys(JSON.parse(text).inputs || {});
  } catch {
    // while it is typed it may be no JSON: those of before
  }
  return inputs;
};

const pathsOf = (text) => {
  const options = inputsOf(text).map((name) => ({ label: `inputs.${name}`, detail: "input" }));
  for (const [name, type] of Object.entries(catalogue.ctx)) options.push({ label: `ctx.${name}`, detail: type });
  for (const [name, capability] of Object.entries(stepsOf(text))) {
    options.push({ label: `state.${name}`, detail: capability });
    const known = catalogue.capabilities[capability];
    for (const [path, type] of Object.entries(known ? known.paths : {})) {
      options.push({ label: `state.${name}.${path}`, detail: type });
    }
  }
  return options;
};

const argumentsOf = (before) => {
  const call = /"capability"\s*:\s*"([^"]+)"(?:(?!"capability")[\s\S])*"args"\s*:\s*\{[^}]*$/.exec(before);
  const known = call && catalogue.capabilities[call[1]];
  return Object.entries(known ? known.arguments : {}).map(([label, each]) => ({
    label,
    detail: each.type + (each.required ? ", required" : ""),
  }));
};

const words = (list) => list.map((label) => ({ label }));

// What may stand in the text that the cursor is in; the first that matches what is before it.
const places = [
  [/\{\{\s*([\w.]*)$/, (text) => pathsOf(text)],
  [/"capability"\s*:\s*"([\w.]*)$/, () => Object.entries(catalogue.capabilities).map(([label, each]) => ({ label, detail: each.agent, info: each.summary }))],
  [/"format"\s*:\s*"(\w*)$/, () => words(catalogue.formats)],
  [/"type"\s*:\s*"(\w*)$/, () => words([...catalogue.input_types, ...Object.keys(catalogue.panels)])],
  [/"outputs"\s*:\s*\[[^\]]*"(\w*)$/, (text) => words(Object.keys(stepsOf(text)))],
  [/[{,]\s*"(\w*)$/, (text, before) => argumentsOf(before)],
];

const complete = (context) => {
  const text = context.state.doc.toString();
  const before = text.slice(0, context.pos);
  for (const [place, offer] of places) {
    const match = place.exec(before);
    if (!match) continue;
    const options = offer(text, before);
    return options.length ? { from: context.pos - match[1].length, options, validFor: /^[\w.]*$/ } : null;
  }
  return null;
};

const show = (view, told) => {
  const doc = view.state.doc;
  const list = document.createElement("ol");
  const marks = [];
  for (const each of told.findings) {
    const line = doc.line(Math.min(each.line, doc.lines));
    const from = Math.min(line.from + each.column - 1, line.to);
    marks.push({ from, to: line.to, severity: "error", message: each.message });
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = "#text";
    link.textContent = `line ${each.line}`;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
      view.focus();
    });
    item.append(link, `${each.pointer ? `, ${each.pointer}` : ""}: ${each.message}`);
    list.append(item);
  }
  const none = document.createElement("p");
  none.textContent = "None: it can be published, with a version that is higher than those that there are.";
  findings.replaceChildren(told.findings.length ? list : none);
  if (told.graph !== null) graph.innerHTML = told.graph;
  view.dispatch(CodeMirror.setDiagnostics(view.state, marks));
};

let waiting, asked = 0;
const check = async (view) => {
  const turn = ++asked;
  const body = new FormData();
  body.set("text", view.state.doc.toString());
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  const answer = await fetch(field.dataset.check, { method: "POST", body, credentials: "same-origin" }).catch(() => null);
  if (turn !== asked) return;
  if (answer && answer.ok) show(view, await answer.json());
  else findings.textContent = "The text could not be checked: the server does not answer. It is checked again as you go on.";
};

const { EditorView, EditorState } = CodeMirror;
const editable = !field.readOnly;
const view = new EditorView({
  root: shadow,
  parent: shadow,
  state: EditorState.create({
    doc: field.value,
    extensions: [
      CodeMirror.lineNumbers(),
      CodeMirror.lintGutter(),
      CodeMirror.history(),
      CodeMirror.drawSelection(),
      CodeMirror.bracketMatching(),
      CodeMirror.closeBrackets(),
      CodeMirror.indentOnInput(),
      CodeMirror.syntaxHighlighting(CodeMirror.defaultHighlightStyle, { fallback: true }),
      CodeMirror.json(),
      CodeMirror.autocompletion({ override: [complete] }),
      CodeMirror.keymap.of([
        { key: "Mod-s", preventDefault: true, run: () => (editable ? (form.requestSubmit(), true) : false) },
        ...CodeMirror.closeBracketsKeymap,
        ...CodeMirror.defaultKeymap,
        ...CodeMirror.searchKeymap,
        ...CodeMirror.historyKeymap,
        ...CodeMirror.completionKeymap,
        ...CodeMirror.lintKeymap,
      ]),
      EditorState.readOnly.of(!editable),
      EditorView.contentAttributes.of({ "aria-label": "Document", tabindex: "0" }),
      EditorView.theme({
        "&": { height: "34rem", fontSize: "13px" },
        ".cm-scroller": { overflow: "auto", fontFamily: 'ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace' },
      }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        clearTimeout(waiting);
        waiting = setTimeout(check, 300, update.view);
      }),
    ],
  }),
});
field.hidden = true;
field.before(host);
form.addEventListener("submit", () => { field.value = view.state.doc.toString(); });
fetch(field.dataset.catalogue, { credentials: "same-origin" }).then((answer) => answer.json()).then((told) => { catalogue = told; });
if (editable) check(view);
