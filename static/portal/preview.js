// Inside the preview's frame: a portal and a shop that are played, then the real scripts. Nothing leaves the page, nothing is kept.
(function () {
  "use strict";
  const given = JSON.parse(document.getElementById("given").textContent);
  const config = given.configuration;
  const chosen = parent !== window && parent.bonusChoices ? parent.bonusChoices() : {};
  config.api = "/played";
  config.address = "/played/config";
  config.hint = chosen.hint !== false;
  config.colours = Object.assign(config.colours, chosen.colours);
  Object.entries(chosen.texts || {}).forEach(([name, text]) => {
    const [part, key] = name.split(".");
    if (config.texts[part] && key in config.texts[part]) config.texts[part][key] = text;
  });

  // -- the portal: one shopper with some points, any digits are right ------------------------------------------------------
  const soon = new Date(Date.now() + 20 * 864e5).toISOString().slice(0, 10);
  let hold = null;
  const answers = {
    "GET /config": () => ({ off: false }),
    "POST /sessions": () => ({ session: "played" }),
    "POST /sessions/verify": () => ({ token: "played" }),
    "GET /balance": () => ({ available: given.points - (hold ? hold.points : 0), payable: given.payable, expiring: [{ points: 40, last_day: soon }], redemption: hold }),
    "POST /redemptions": (asked) => (hold = { id: "played", promo_code: "BON" + asked.points + "PLAYED", points: asked.points, status: "open", expires_at: new Date(Date.now() + 36e5).toISOString() }),
    "DELETE /redemptions/played": () => { hold = null; return {}; },
    "GET /redemptions/played": () => ({ status: "open" }),
    "POST /orders": () => ({ points_expected: 184 }),
    "GET /notices": () => ({ notices: [{ kind: "credit", points: 184, cursor: "1" }, { kind: "expiring", points: 40, last_day: soon, cursor: "2" }], cursor: "played" }),
    "POST /notices/ack": () => ({}),
  };
  window.fetch = (address, options = {}) => {
    const path = String(address).replace(/^.*\/played/, "").split("?")[0];
    const answer = answers[`${options.method || "GET"} ${path}`];
    const body = answer ? answer(options.body ? JSON.parse(options.body) : {}) : {};
    return Promise.resolve(new Response(JSON.stringify(body), { status: answer ? 200 : 404 }));
  };
  const kept = {};
  Object.defineProperty(window, "sessionStorage", {
    value: { getItem: (name) => kept[name] || null, setItem: (name, text) => { kept[name] = text; }, removeItem: (name) => { delete kept[name]; } },
  });

  // -- the shop: one coupon -------------------------------------------------------------------------------------------------
  const one = (selector) => document.querySelector(selector);
  function draw(code) {
    const off = code ? Number((/\d+/.exec(code) || [0])[0]) : 0;
    one(".j-coupon-add").hidden = !!code;
    one(".j-coupon-form").hidden = true;
    one(".j-coupon-applied").hidden = !code;
    one(".j-coupon-applied span").textContent = code;
    one(".j-total-sum").textContent = `${(1900 - off).toString().replace(/\B(?=(\d{3})+$)/g, "\u00a0")} грн`;
  }
  one(".j-coupon-add").onclick = (event) => {
    event.preventDefault();
    one(".j-coupon-add").hidden = true;
    one(".j-coupon-form").hidden = false;
  };
  one(".j-coupon-submit").onclick = () => draw(one(".j-coupon-input").value);
  one(".j-coupon-remove").onclick = () => draw("");

  window.BonusWidgets = { config: config, readAt: Date.now() };
  history.replaceState(null, ""); // a reload shows the card anew
  ["hint", "checkout", "toasts", "thankyou"].filter((name) => config.scripts[name]).forEach((name) => {
    const script = document.createElement("script");
    Object.assign(script, config.scripts[name], { async: false });
    // In a shop a widget that would push what is being read waits for the shopper's first click; here it is what people came for.
    script.onload = () => dispatchEvent(new Event("click"));
    document.head.append(script);
  });
})();
