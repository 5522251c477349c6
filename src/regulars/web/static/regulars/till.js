// Reads cards with the camera where the browser can; elsewhere the photo form is there.
"use strict";

const FORMATS = ["ean_13", "ean_8", "upc_a", "code_128", "code_39", "itf", "qr_code"];
const video = document.querySelector("[data-scan-video]");
const buttons = document.querySelectorAll("[data-scan]");
let stream = null;

if (video && "BarcodeDetector" in window && navigator.mediaDevices) offer();

async function offer() {
  // some browsers know the word and no barcode
  const known = await BarcodeDetector.getSupportedFormats().catch(() => []);
  const formats = FORMATS.filter((one) => known.includes(one));
  if (!formats.length) return;
  const detector = new BarcodeDetector({ formats });
  for (const button of buttons) {
    button.hidden = false;
    const input = document.getElementById(button.dataset.scan);
    button.addEventListener("click", () => (stream ? stop() : scan(detector, input)));
  }
}

// a photo is sent as soon as it is taken, with what else is typed in its form
for (const place of document.querySelectorAll("[data-scan-photo]")) {
  const photo = place.querySelector("input[type=file]");
  photo.addEventListener("change", () => photo.form.requestSubmit(place.querySelector("button")));
}

async function scan(detector, input) {
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    return; // not allowed, or no camera: the number can be typed
  }
  video.srcObject = stream;
  video.hidden = false;
  await video.play();
  while (stream) {
    const found = await detector.detect(video).catch(() => []);
    if (found.length && stream) {
      stop();
      input.value = found[0].rawValue;
      if (input.form.matches("[data-scan-form]")) input.form.requestSubmit();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

function stop() {
  for (const track of stream ? stream.getTracks() : []) track.stop();
  stream = null;
  video.hidden = true;
}
window.addEventListener("pagehide", stop);
