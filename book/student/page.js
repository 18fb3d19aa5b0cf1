/* The student on its page: loaded at the press of a button, then asked with a form. Without this script the page says what it needs. */

import { load, Trouble } from "./model.js";

const SHOWN = 3; // labels
const box = document.getElementById("student");
const { texts, card } = JSON.parse(box.querySelector("script[type='application/json']").textContent);
const part = (name) => box.querySelector(`[data-part=${name}]`);
const language = document.documentElement.lang;
const percent = new Intl.NumberFormat(language, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const tenth = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** Say something in the status line; what can be seen below anyway is only for screen readers. */
function tell(text, seen = true) {
  part("news").textContent = text;
  part("news").classList.toggle("spoken", !seen);
}

/** Fill in the {names} of a message. */
const say = (name, values = {}) => texts[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);

function complain(problem) {
  const known = problem instanceof Trouble ? problem : new Trouble("unknown", problem.message ?? problem);
  part("fault").textContent = say(known.kind, { what: known.what });
  part("fault").hidden = false;
}

async function start() {
  const button = part("load");
  button.disabled = true;
  part("fault").hidden = true;
  part("progress").hidden = false;
  tell(say("loading"));
  try {
    box.classifier = await load(card, (share) => (part("progress").value = share)); // there for the console, too
    part("start").hidden = true;
    part("form").hidden = false;
    tell(say("ready"));
    part("text").focus();
  } catch (problem) {
    tell("");
    complain(problem);
    button.disabled = false;
  }
  part("progress").hidden = true;
}

function row(label, probability) {
  const item = document.createElement("li");
  const [name, bar, share] = ["span", "span", "span"].map((kind) => document.createElement(kind));
  name.textContent = label;
  name.className = "name";
  bar.className = "bar";
  bar.ariaHidden = "true";
  bar.style.setProperty("--share", probability);
  share.textContent = percent.format(probability);
  share.className = "share";
  item.append(name, share, bar);
  return item;
}

function piece(text) {
  const shown = document.createElement("code");
  shown.textContent = text;
  return shown;
}

async function ask() {
  const text = part("text").value;
  part("fault").hidden = true;
  if (!text.trim()) {
    part("result").hidden = true;
    tell(say("empty"));
    part("text").focus();
    return;
  }
  try {
    const { probabilities, pieces, leftOut, milliseconds } = await box.classifier.classify(text);
    const order = probabilities.map((_, n) => n).sort((one, other) => probabilities[other] - probabilities[one]);
    part("labels").replaceChildren(...order.slice(0, SHOWN).map((n) => row(card.labels[n], probabilities[n])));
    part("pieces").replaceChildren(...pieces.flatMap((each) => [piece(each), " "]));
    const unknown = pieces.filter((each) => each === "[UNK]").length;
    const facts = [say("time", { milliseconds: tenth.format(milliseconds), pieces: pieces.length })];
    if (unknown) facts.push(say("unknown_pieces", { count: unknown }));
    if (leftOut) facts.push(say("left_out", { count: leftOut, most: card.max_length }));
    part("facts").textContent = facts.join(" ");
    part("result").hidden = false;
    part("labels").scrollIntoView({ block: "nearest" }); // on a telephone it may be below
    tell(say("answer", { label: card.labels[order[0]], share: percent.format(probabilities[order[0]]) }), false);
  } catch (problem) {
    complain(problem);
  }
}

part("load").addEventListener("click", start);
part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
part("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return; // a new line; or a Chinese word being chosen
  event.preventDefault();
  ask();
});
for (const example of box.querySelectorAll("[data-example]")) {
  example.addEventListener("click", () => {
    part("text").value = example.textContent;
    ask();
  });
}
part("needs").hidden = true;
part("start").hidden = false;
