// Files that are opened on the page: characters and background pictures.

import { $, notice, set } from "./page.js";

async function send(address, file) {
  const answer = await fetch(address, { method: "POST", body: file });
  const content = await answer.json().catch(() => ({ error: "The file is too large or could not be sent." }));
  if (!answer.ok) throw new Error(content.error);
  return content;
}

export async function openCharacter(input) {
  try {
    const { name } = await send("/characters", input.files[0]);
    set({ character: name });
  } catch (error) {
    notice(error.message);
  }
  input.value = "";
}

export async function openPicture() {
  const [file] = $("picture").files;
  try {
    await send(`/picture?name=${encodeURIComponent(file.name)}`, file);
  } catch (error) {
    notice(error.message);
  }
  $("picture").value = "";
}
