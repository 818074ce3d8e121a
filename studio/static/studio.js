// The frame of the page: its tabs, and the state that they share.
// A new tab is a module with `title` and `mount(studio)`, a line in TABS, and a section in index.html.

import * as brushes from "./brushes.js";
import * as compare from "./compare.js";
import * as digits from "./digits.js";
import * as directions from "./directions.js";
import { byId, element, json } from "./page.js";
import * as photo from "./photo.js";
import * as runs from "./runs.js";
import { Socket } from "./socket.js";

const TABS = { photo, digits, directions, brushes, compare, runs };

async function begin() {
  const about = await json("/about.json");
  const studio = {
    about,
    socket: new Socket(byId("connection")),
    models: (kind) => about.models.filter((model) => model.kind === kind),
    digit: null, // the name of the picture on the pad
    photo: null, // what the server tells of the photograph
    directions: [], // of the session, of all models
    show: select,
  };
  const tabs = byId("tabs");
  const shown = {};
  for (const [name, tab] of Object.entries(TABS)) {
    const button = element("button", { type: "button", id: `tab-${name}`, textContent: tab.title });
    button.setAttribute("role", "tab");
    button.setAttribute("aria-controls", name);
    byId(name).setAttribute("aria-labelledby", button.id);
    button.addEventListener("click", () => select(name));
    tabs.append(button);
    shown[name] = tab.mount(studio) ?? (() => {});
  }
  function select(name) {
    for (const one of Object.keys(TABS)) {
      byId(one).hidden = one !== name;
      const button = byId(`tab-${one}`);
      button.setAttribute("aria-selected", String(one === name));
      button.tabIndex = one === name ? 0 : -1;
    }
    history.replaceState(null, "", `#${name}`);
    document.title = `${TABS[name].title} · Studio`;
    shown[name]();
  }
  tabs.addEventListener("keydown", (event) => {
    const names = Object.keys(TABS);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = names.findIndex((name) => byId(`tab-${name}`) === document.activeElement);
    const next = names[(at + step + names.length) % names.length];
    select(next);
    byId(`tab-${next}`).focus();
  });
  const wanted = location.hash.slice(1);
  select(wanted in TABS ? wanted : "photo");
}

begin().catch((error) => (byId("connection").textContent = error.message));
