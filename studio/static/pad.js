// A canvas on which strokes are drawn, by a pointer or by keys alone.

const STEP = 6; // pixels of the canvas that an arrow key moves the brush

// paint(context, stroke): all that is to be seen but the cursor, with the stroke that is being drawn, or null.
// ended(points): a stroke is done; what it asks for is painted anew. plain() paints without the cursor.
// brush(): the diameter of the brush; undo() and clear(): of the keys for them.
export function pad(canvas, { brush, paint, ended, undo, clear }) {
  const context = canvas.getContext("2d");
  const at = { x: canvas.width / 2, y: canvas.height / 2 };
  let stroke = null;

  const repaint = () => {
    paint(context, stroke);
    if (document.activeElement !== canvas) return;
    context.strokeStyle = "#5db8ee";
    context.lineWidth = 2;
    context.beginPath();
    context.arc(at.x, at.y, Math.max(brush() / 2, 2), 0, 7);
    context.stroke();
  };
  const begin = () => (stroke = [{ ...at }]);
  const end = () => {
    if (!stroke) return;
    const points = stroke;
    stroke = null;
    ended(points);
    repaint();
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    at.x = inside(((event.clientX - box.left) / box.width) * canvas.width, canvas.width);
    at.y = inside(((event.clientY - box.top) / box.height) * canvas.height, canvas.height);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    place(event);
    begin();
    repaint();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    place(event);
    stroke.push({ ...at });
    repaint();
  });
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (move) {
      event.preventDefault();
      if (event.shiftKey && !stroke) begin();
      at.x = inside(at.x + STEP * move[0], canvas.width);
      at.y = inside(at.y + STEP * move[1], canvas.height);
      if (stroke) stroke.push({ ...at });
      repaint();
    } else if (event.key === "Delete" || event.key === "Backspace") clear();
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      undo();
    }
  });
  canvas.addEventListener("keyup", (event) => event.key === "Shift" && end());
  canvas.addEventListener("focus", repaint);
  canvas.addEventListener("blur", () => (end(), repaint()));
  return { repaint, plain: () => paint(context, stroke) };
}

export function line(context, points, width) {
  // One stroke of a round brush; a click alone is a dot.
  const [first] = points;
  context.lineWidth = width;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  context.moveTo(first.x, first.y);
  context.lineTo(first.x + 0.1, first.y);
  for (const point of points) context.lineTo(point.x, point.y);
  context.stroke();
}

const inside = (value, most) => Math.max(0, Math.min(most, value));
