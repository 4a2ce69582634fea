/** Turns a view by dragging: with mouse, pen or finger. */

const DEGREES = 0.5; // a pixel

/**
 * @param {HTMLElement} element
 * @param {(yaw: number, pitch: number) => void} turned called with degrees; both 0 after a double click
 */
export function onDrag(element, turned) {
  let [yaw, pitch] = [0, 0];
  /** @type {{x: number, y: number} | null} */
  let last = null;
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    last = { x: event.clientX, y: event.clientY };
  });
  element.addEventListener("pointermove", (event) => {
    if (!last) return;
    yaw += DEGREES * (event.clientX - last.x);
    pitch = Math.min(Math.max(pitch + DEGREES * (event.clientY - last.y), -90), 90);
    last = { x: event.clientX, y: event.clientY };
    turned(yaw, pitch);
  });
  for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => (last = null));
  element.addEventListener("dblclick", () => {
    [yaw, pitch] = [0, 0];
    turned(yaw, pitch);
  });
}
