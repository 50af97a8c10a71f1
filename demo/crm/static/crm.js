/* The page's few lines: post what was clicked, fetch the moving part every two seconds. */
(function () {
  "use strict";
  var said = document.getElementById("said");
  var board = document.getElementById("board");

  function say(text, isFault) {
    said.textContent = text;
    said.className = isFault ? "said is-fault" : "said";
  }

  function post(path, body, done) {
    fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) })
      .then(function (answer) { return answer.json(); })
      .then(function (found) { if (found.error) { say(found.error, true); } else { done(found); } })
      .catch(function () { say("CRM не відповідає", true); });
  }

  function refresh() {
    fetch("/fresh").then(function (answer) { return answer.text(); }).then(function (html) {
      var open = [].map.call(board.querySelectorAll("details[open]"), function (one) { return one.dataset.keep; });
      var had = document.activeElement && board.contains(document.activeElement) ? document.activeElement.dataset : null;
      if (html === board.dataset.seen) { return; }
      board.dataset.seen = html;
      board.innerHTML = html;
      open.forEach(function (name) {
        var one = board.querySelector('details[data-keep="' + name + '"]');
        if (one) { one.open = true; }
      });
      if (had && had.id) {
        var again = board.querySelector('[data-do="' + had.do + '"][data-id="' + had.id + '"]');
        if (again) { again.focus(); }
      }
    }).catch(function () { /* it is being restarted */ });
  }

  document.querySelectorAll("[data-switch]").forEach(function (box) {
    box.addEventListener("change", function () {
      var value = box.type === "checkbox" ? box.checked : box.type === "number" ? Number(box.value) : box.value;
      var switches = {};
      switches[box.id] = value;
      post("/_demo/state", { switches: switches }, function () { window.location.reload(); });
    });
  });
  var reset = document.getElementById("reset");
  if (reset) {
    reset.addEventListener("click", function () {
      post("/_demo/state", { reset: true }, function () { window.location.reload(); });
    });
  }
  if (!board) { return; }

  var form = document.getElementById("place");
  var buyer = form.elements.buyer;
  function showStranger() { form.querySelector(".stranger").hidden = buyer.value !== ""; }
  buyer.addEventListener("change", showStranger);
  showStranger();

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    var chosen = buyer.options[buyer.selectedIndex];
    var known = buyer.value !== "";
    var products = [].filter.call(form.querySelectorAll("[data-sku]"), function (one) { return Number(one.value) > 0; })
      .map(function (one) {
        return { sku: one.dataset.sku, name: one.dataset.name, price: Number(one.dataset.price), quantity: Number(one.value) };
      });
    if (!products.length) { say("Оберіть хоча б один товар", true); return; }
    if (!known && !(form.elements.full_name.value && form.elements.phone.value)) {
      say("Вкажіть ім'я та телефон покупця", true);
      return;
    }
    var order = {
      buyer: {
        full_name: known ? buyer.value : form.elements.full_name.value,
        phone: known ? chosen.dataset.phone : form.elements.phone.value,
        email: known ? chosen.dataset.email : ""
      },
      promocode: form.elements.promocode.value,
      discount_amount: Number(form.elements.discount.value) || 0,
      products: products
    };
    post("/_demo/do", { "do": "place", order: order }, function (found) {
      say("Замовлення " + found.done.source_uuid + " оформлено");
      form.elements.promocode.value = "";
      form.elements.discount.value = "0";
      if (known) { refresh(); } else { window.location.reload(); }
    });
  });

  board.addEventListener("click", function (event) {
    var button = event.target.closest("[data-do]");
    if (!button) { return; }
    var asked = { "do": button.dataset["do"], id: Number(button.dataset.id) };
    if (asked["do"] === "status") { asked.status_id = Number(button.dataset.status); }
    if (asked["do"] === "refund") {
      asked.amount = window.prompt("Скільки гривень повернути?", button.dataset.half);
      if (!asked.amount) { return; }
      asked.amount = asked.amount.replace(",", ".");
    }
    if (asked["do"] === "delete" && !window.confirm("Видалити замовлення назавжди? Вебхука про це не буде.")) { return; }
    post("/_demo/do", asked, function () { say("Готово"); refresh(); });
  });

  window.setInterval(refresh, 2000);
})();
