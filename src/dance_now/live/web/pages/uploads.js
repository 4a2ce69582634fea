// Files that are opened on the page: characters and background pictures.

import { field, notice, reason, set } from "./page.js";

/**
 * @param {string} address
 * @param {File | undefined} file
 */
async function send(address, file) {
  const answer = await fetch(address, { method: "POST", body: file });
  const content = await answer.json().catch(() => ({ error: "The file is too large or could not be sent." }));
  if (!answer.ok) throw new Error(content.error);
  return content;
}

/** @param {HTMLInputElement} input */
export async function openCharacter(input) {
  try {
    const { name } = await send("/characters", input.files?.[0]);
    set({ character: name });
  } catch (error) {
    notice(reason(error));
  }
  input.value = "";
}

export async function openPicture() {
  const file = field("picture").files?.[0];
  try {
    await send(`/picture?name=${encodeURIComponent(file?.name ?? "")}`, file);
  } catch (error) {
    notice(reason(error));
  }
  field("picture").value = "";
}
