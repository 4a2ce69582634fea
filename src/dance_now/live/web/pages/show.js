// Show page: the newest frame on a transparent page, nothing else; it connects again by itself.
import { Stage, socketAddress } from "/shared/stage.js";

const RETRY_MS = 1000;
const stage = new Stage(/** @type {HTMLCanvasElement} */ (document.getElementById("canvas")));
let drawing = Promise.resolve();

function connect() {
  const socket = new WebSocket(socketAddress("/watch"));
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") {
      const message = JSON.parse(data);
      if (message.type === "backdrop") document.documentElement.style.background = message.color ?? "transparent";
      return;
    }
    // One after the other, so that no frame overtakes another.
    drawing = drawing.then(() => stage.draw(data)).catch(console.warn).then(() => {
      if (socket.readyState === WebSocket.OPEN) socket.send("shown");
    });
  });
  socket.addEventListener("close", () => setTimeout(connect, RETRY_MS));
}

connect();
