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

  const previews = JSON.parse(one("#preview").textContent);
  const shop = one("#shop");
  const form = one("#look");
  const originals = JSON.parse(one("#preview").textContent);
  let language = "uk";

  function luminance(colour) {
    const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
    const [red, green, blue] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  function show() {
    const config = previews[language];
    const accent = form.elements.accent.value;
    const theme = form.elements.theme.value;
    config.colours = { accent: accent, on: luminance(accent) > 0.183 ? "#101418" : "#ffffff", theme: theme };
    form.querySelectorAll("[data-text]").forEach((field) => {
      const [spoken, name] = field.dataset.text.split(":");
      const [part, key] = name.split(".");
      if (spoken === language) config.texts[part][key] = field.value || field.placeholder || originals[language].texts[part][key];
    });
    shop.lang = language;
    shop.dataset.theme = theme;
    window.BonusWidgets = { config: config, readAt: Date.now() };
    // The widget comes back into its block with the new colours and texts, as it does when the shop draws the block anew.
    const widget = shop.querySelector("bonus-checkout");
    if (widget) widget.remove();
  }

  form.addEventListener("input", show);
  form.addEventListener("change", show);
  document.querySelectorAll("[data-language]").forEach((button) => {
    button.addEventListener("click", () => {
      language = button.dataset.language;
      document.querySelectorAll("[data-language]").forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
      show();
    });
  });
  show();
  const script = document.createElement("script");
  script.src = previews.uk.scripts.checkout.src;
  script.integrity = previews.uk.scripts.checkout.integrity;
  document.head.append(script);
})();
