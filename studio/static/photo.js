// Photo: a face of a visitor's own picture, edited by sliders and put back.

import { along } from "./along.js";
import { byId, element, json, panels, sliders } from "./page.js";
import { tuning } from "./tuning.js";

export const title = "Photo";

const HINTS = {
  difference: "Adds what the edit changes, so the photo stays sharp.",
  feather: "Puts the model's own picture of the face there, softly.",
  transfer: "Moves and recolours the photo's own pixels as the edit does; takes seconds.",
  none: "The edited face alone, at the model's size.",
};

export function mount(studio) {
  const models = studio.models("face");
  const show = panels(byId("photo-panels"), false);
  const chosen = byId("photo-model");
  for (const model of models) chosen.append(element("option", { value: model.name, textContent: model.name }));
  const model = () => models.find((one) => one.name === chosen.value);
  const further = along(byId("photo-along"), studio, () => chosen.value, edit);
  const tuned = tuning(studio, model, edit);
  let controls = null;
  let timer = 0;
  let placing = null; // while eyes are placed: those that are
  let cursor = [0, 0]; // where the arrow keys have moved the circle, in pixels of the photo
  let version = 0;

  const paste = () => document.querySelector("input[name=paste]:checked").value;

  function edit() {
    const question = { do: "edit", model: chosen.value, values: { ...controls.values }, paste: paste() };
    question.along = further.values;
    question.tuned = tuned.on();
    studio.socket.ask("photo", question, (told) => {
      byId("photo-problem").textContent = told.error ?? "";
      if (told.error) return;
      show(told.images);
      controls.told(told.readings);
      byId("photo-timing").textContent = `${Math.round(told.milliseconds)} ms on this computer`;
      clearTimeout(timer);
      timer = setTimeout(refresh, 150);
    });
  }

  function refresh() {
    const after = new Image();
    const at = ++version;
    after.onload = () => at === version && (byId("wipe-after").src = after.src);
    byId("wipe").hidden = byId("wipe-hint").hidden = paste() === "none";
    if (paste() !== "none") after.src = `/result/photo/view.jpg?v=${Date.now()}`;
  }

  function choose() {
    controls = sliders(byId("photo-controls"), model().controls.filter((one) => !one.pair), edit);
    further.draw();
    tuned.show();
    edit();
  }

  function take(told) {
    studio.photo = told;
    tuned.forget();
    byId("photo-empty").hidden = true;
    byId("photo-desk").hidden = false;
    const source = `/photo.jpg?v=${Date.now()}`;
    byId("wipe-before").src = source;
    byId("wipe-after").src = source;
    const faces = byId("photo-face-buttons");
    faces.replaceChildren();
    byId("photo-faces").hidden = told.faces.length < 2;
    told.faces.forEach((_, i) => {
      const button = element("button", { type: "button", textContent: i + 1 });
      button.setAttribute("aria-label", `Face ${i + 1} of ${told.faces.length}, the largest is 1`);
      button.setAttribute("aria-pressed", String(told.face === i + 1));
      button.addEventListener("click", () => face({ face: i + 1 }));
      faces.append(button);
    });
    marks(told.faces);
    const eyes = told.faces[told.face - 1];
    if (eyes) at((50 * (eyes[0][0] + eyes[1][0])) / told.width);
    if (told.faces.length) choose();
    else place();
  }

  function at(share) {
    byId("wipe-range").value = share;
    byId("wipe").style.setProperty("--at", `${share}%`);
  }

  async function face(body) {
    try {
      take(await json("/face", { method: "POST", body: JSON.stringify(body) }));
    } catch (error) {
      byId("photo-problem").textContent = error.message;
    }
  }

  function marks(faces) {
    const points = faces.flat();
    byId("eye-marks").replaceChildren(
      ...(placing ? [...points, cursor] : points).map(([x, y]) => {
        const mark = element("i");
        if (placing) mark.classList.toggle("cursor", x === cursor[0] && y === cursor[1]);
        mark.style.left = `${(100 * x) / studio.photo.width}%`;
        mark.style.top = `${(100 * y) / studio.photo.height}%`;
        return mark;
      }),
    );
    byId("eye-marks").hidden = !placing;
  }

  function place() {
    placing = [];
    cursor = [studio.photo.width / 2, studio.photo.height / 3];
    byId("wipe").hidden = byId("wipe-hint").hidden = false;
    byId("wipe").classList.add("placing");
    byId("wipe-after").hidden = true;
    marks([]);
    const none = studio.photo.faces.length ? "" : "No face was found. ";
    byId("photo-problem").textContent = `${none}Click on both eyes, or move the circle by the arrow keys (finer with Shift) and press Enter on each.`;
    byId("wipe").tabIndex = 0;
    byId("wipe").focus();
  }

  async function upload(file, address = "/photo") {
    const drop = byId("photo-drop");
    byId("photo-error").textContent = "";
    drop.classList.add("busy");
    try {
      if (file && file.size > studio.about.most_bytes)
        throw new Error(`The file has more than ${Math.round(studio.about.most_bytes / 2 ** 20)} MB; make it smaller.`);
      const headers = file ? { "x-name": encodeURIComponent(file.name || "pasted.png") } : {};
      take(await json(address, { method: "POST", body: file, headers }));
    } catch (error) {
      again();
      byId("photo-error").textContent = error.message;
    } finally {
      drop.classList.remove("busy");
      byId("photo-file").value = "";
    }
  }

  function again() {
    byId("photo-desk").hidden = true;
    byId("photo-empty").hidden = false;
  }

  if (!models.length)
    byId("photo-error").textContent = "There is no model of faces yet: python -m ifcvaegan.train --data-dir CELEBA makes one.";
  chosen.addEventListener("change", choose);
  byId("photo-file").addEventListener("change", (event) => event.target.files[0] && upload(event.target.files[0]));
  byId("photo-example").addEventListener("click", () => upload(undefined, "/photo?example"));
  byId("photo-other").addEventListener("click", again);
  byId("photo-reset").addEventListener("click", () => (controls.reset(), further.reset(), edit()));
  byId("photo-eyes").addEventListener("click", place);
  for (const input of document.querySelectorAll("input[name=paste]"))
    input.addEventListener("change", () => ((byId("paste-hint").textContent = HINTS[paste()]), edit()));
  byId("paste-hint").textContent = HINTS[paste()];
  byId("wipe-range").addEventListener("input", (event) => at(event.target.value));

  function eye(x, y) {
    placing.push([x, y]);
    marks([placing]);
    if (placing.length < 2) return;
    const landmarks = placing.sort((a, b) => a[0] - b[0]).flat();
    placing = null;
    byId("wipe").classList.remove("placing");
    byId("wipe").removeAttribute("tabindex");
    byId("wipe-after").hidden = false;
    byId("photo-problem").textContent = "";
    face({ landmarks });
  }

  byId("wipe").addEventListener("click", (event) => {
    if (!placing) return;
    const box = byId("wipe-before").getBoundingClientRect();
    const { width, height } = studio.photo;
    eye(((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height);
  });
  byId("wipe").addEventListener("keydown", (event) => {
    if (!placing || event.target !== event.currentTarget) return;
    const { width, height } = studio.photo;
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move && event.key !== "Enter") return;
    event.preventDefault();
    if (!move) return eye(...cursor);
    const step = Math.max(width, height) * (event.shiftKey ? 0.002 : 0.02);
    cursor = [
      Math.max(0, Math.min(width, cursor[0] + step * move[0])),
      Math.max(0, Math.min(height, cursor[1] + step * move[1])),
    ];
    marks([placing]);
  });

  const drop = byId("photo-drop");
  for (const name of ["dragover", "dragleave", "drop"])
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files[0]) {
        studio.show("photo");
        upload(event.dataTransfer.files[0]);
      }
    });
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (file) {
      studio.show("photo");
      upload(file);
    }
  });
  camera(upload);
}

function camera(upload) {
  let stream = null;
  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    byId("camera").hidden = true;
  };
  byId("photo-camera").hidden = !navigator.mediaDevices;
  byId("photo-camera").addEventListener("click", async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: 1280 } });
      byId("camera-video").srcObject = stream;
      byId("camera").hidden = false;
    } catch {
      byId("photo-error").textContent = "The camera cannot be used; allow it in the browser, or choose a file.";
    }
  });
  byId("camera-stop").addEventListener("click", stop);
  byId("camera-take").addEventListener("click", () => {
    const video = byId("camera-video");
    const canvas = element("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    stop();
    canvas.toBlob((blob) => upload(new File([blob], "camera.png")), "image/png");
  });
}
