// "Install on the store": copying a tag, and the preview that follows the form as it is filled in.
(function () {
  "use strict";
  const one = (selector) => document.querySelector(selector);

  document.querySelectorAll("[data-copy]").forEach((button) => {
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent);
      } catch (refused) {
        // Without a secure connection browsers give no clipboard: the text is selected for Ctrl-C instead.
        getSelection().selectAllChildren(source);
        return;
      }
      button.lastElementChild.textContent = button.dataset.done;
    });
  });

  // -- the preview: a frame of its own, loaded anew a moment after each change --------------------------------------------
  const form = one("#look");
  const frame = one("#preview");
  const shown = { lang: "uk", dark: "" };

  function luminance(colour) {
    const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
    const [red, green, blue] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  // As the portal chooses it: white or nearly black, whichever stands out more.
  function readableOn(accent) {
    const standsOut = luminance(accent) + 0.05;
    return standsOut / (luminance("#101418") + 0.05) > 1.05 / standsOut ? "#101418" : "#ffffff";
  }

  // What the frame asks when it is loaded: everything that is filled in and not saved yet.
  window.bonusChoices = () => {
    const accent = form.elements.accent.value;
    const texts = {};
    form.querySelectorAll("[data-text]").forEach((field) => {
      const [language, name] = field.dataset.text.split(":");
      if (language === shown.lang) texts[name] = field.value.trim() || field.placeholder;
    });
    const colours = { accent: accent, on: readableOn(accent), theme: form.elements.theme.value };
    return { colours: colours, texts: texts, hint: form.elements.shows_hint.checked };
  };

  function show() {
    const query = new URLSearchParams({ version: form.elements.version.value, lang: shown.lang });
    if (shown.dark) query.set("dark", "1");
    // The same address again would only jump; replaced, the way back of the browser leads out of this page as it should.
    frame.contentWindow.location.replace(`${frame.dataset.address}?${query}`);
  }

  let soon = 0;
  form.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(show, 300);
  });
  document.querySelectorAll("[data-show]").forEach((button) => {
    button.addEventListener("click", () => {
      shown[button.dataset.show] = button.value;
      document.querySelectorAll(`[data-show=${button.dataset.show}]`).forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
      show();
    });
  });
  show();
})();
