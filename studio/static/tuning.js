// Tuning: a copy of the model's decoder is fitted to the face of the tab Photo.

import { byId } from "./page.js";

// model() is the one that is chosen; changed() makes the edit anew.
export function tuning(studio, model, changed) {
  let copy = null; // the name of the model that is tuned to this face
  let running = false;

  function show() {
    const latent = Boolean(model()?.latent);
    byId("tune-begin").disabled = running || !latent;
    byId("tune-stop").hidden = byId("tune-progress").hidden = !running;
    byId("tune-use-field").hidden = byId("tune-repeat").hidden = copy !== model()?.name;
    if (!latent) byId("tune-status").textContent = "This model has no latent, so it cannot be tuned.";
    else if (!running && copy !== model().name) byId("tune-status").textContent = "";
  }

  function begin() {
    const name = model().name;
    byId("tune-problem").textContent = "";
    byId("tune-status").textContent = "It is being prepared …";
    byId("tune-progress").value = 0;
    running = true;
    show();
    const question = { do: "tune", what: "begin", model: name, seconds: byId("tune-seconds").valueAsNumber };
    studio.socket.follow(question, (told) => {
      if (told.error) {
        running = false;
        byId("tune-problem").textContent = told.error;
        byId("tune-status").textContent = "";
      } else if (told.done) {
        running = false;
        copy = name;
        byId("tune-use").checked = true;
        const [before, after] = [told.before, told.after].map((one) => one.toFixed(4));
        byId("tune-status").textContent = `${told.steps} ${told.steps === 1 ? "step" : "steps"}: the error went from ${before} to ${after}.`;
        if (model().name === name) changed();
      } else {
        byId("tune-progress").value = told.share;
        byId("tune-status").textContent = `Step ${told.steps}, loss ${told.loss.toFixed(4)}`;
      }
      show();
    });
  }

  byId("tune-begin").addEventListener("click", begin);
  byId("tune-stop").addEventListener("click", () => studio.socket.send({ do: "tune", what: "stop" }));
  byId("tune-use").addEventListener("change", changed);
  return {
    show,
    on: () => copy === model().name && byId("tune-use").checked,
    forget() {
      copy = null; // it is of another face
      show();
    },
  };
}
