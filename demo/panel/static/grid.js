// The grid inside the iframe: filters, sorting, pages and deletion go to the server, which answers with a fragment.
// The account's filter, page and sorting live on the server; nothing is remembered here.
(function () {
  "use strict";
  var root = document.getElementById("datagrid-root");
  var loader = document.getElementById("datagrid-loader");
  var message = document.getElementById("datagrid-message");
  var error = document.getElementById("datagrid-error");
  var dialog = document.getElementById("dialog-window");
  var asked = 0;

  function showError(text) {
    error.textContent = text;
    error.hidden = !text;
  }

  function send(fields) {
    var mine = ++asked;
    var body = new URLSearchParams();
    fields.forEach(function (pair) { body.append(pair[0], pair[1]); });
    loader.style.display = "flex";
    showError("");
    fetch(root.dataset.endpoint, { method: "POST", body: body, headers: { "X-Requested-With": "XMLHttpRequest" } })
      .then(function (answer) {
        return answer.text().then(function (html) { return { status: answer.status, html: html }; });
      })
      .then(function (answer) {
        if (mine !== asked) { return; } // a later request is on its way: its answer is the one to show
        if (answer.status !== 200) {
          showError("Помилка завантаження (" + answer.status + ")");
          loader.style.display = "none";
          return;
        }
        var fresh = new DOMParser().parseFromString(answer.html, "text/html").querySelector(".datagrid-fragment");
        if (!fresh) { // a login form or an anti-bot page came instead: let the browser show it
          window.location.reload();
          return;
        }
        document.querySelector(".datagrid-fragment").replaceWith(fresh);
        message.textContent = fresh.dataset.message;
        message.hidden = !fresh.dataset.message;
        loader.style.display = "none";
      })
      .catch(function () {
        if (mine !== asked) { return; }
        showError("Немає зв'язку із сервером");
        loader.style.display = "none";
      });
  }

  function checkedIds() {
    return Array.prototype.map.call(document.querySelectorAll(".datagrid-check-control:checked"), function (box) {
      return box.value;
    });
  }

  function remove(ids) {
    send([["action", "delete"]].concat(ids.map(function (id) { return ["ids[]", id]; })));
  }

  window.removeSelectedGrids = function () {
    var ids = checkedIds();
    if (!ids.length) {
      showError("Нічого не вибрано");
      return;
    }
    var question = root.dataset.question + " (" + ids.length + ")";
    if (root.dataset.dialog === "native") {
      if (window.confirm(question)) { remove(ids); }
      return;
    }
    dialog.querySelector(".confirm-modal__text").textContent = question;
    dialog.querySelector(".confirm-modal__button--ok").onclick = function () {
      dialog.hidden = true;
      remove(ids);
    };
    dialog.querySelector(".confirm-modal__button--cancel").onclick = function () { dialog.hidden = true; };
    dialog.hidden = false;
  };

  root.addEventListener("keydown", function (event) {
    var block = event.target.closest(".sorting-block");
    if (event.key !== "Enter" || !block) { return; }
    event.preventDefault();
    send([["action", "filter"]].concat(Array.prototype.map.call(block.querySelectorAll("input"), function (input) {
      return [input.name, input.value];
    })));
  });

  root.addEventListener("click", function (event) {
    var target = event.target;
    if (target.closest(".sorting-block")) { return; }
    if (target.id === "datagridMasterCheckBox") {
      document.querySelectorAll(".datagrid-check-control, #datagridMasterCheckBox").forEach(function (box) {
        box.checked = target.checked;
      });
      return;
    }
    var header = target.closest("th[data-sort]");
    if (header) { send([["action", "sort"], ["column", header.dataset.sort]]); return; }
    var arrow = target.closest(".datagrid-pager a.active");
    if (arrow) { event.preventDefault(); send([["action", "page"], ["page", arrow.dataset.page]]); return; }
    if (target.closest("#reset_datagrid")) { send([["action", "reset"]]); return; }
    if (target.closest(".button.settings")) {
      event.preventDefault();
      var popup = root.querySelector(".settings-popup");
      popup.hidden = !popup.hidden;
    }
  });

  document.getElementById("datagrid-perpage-select").addEventListener("change", function (event) {
    root.querySelector(".settings-popup").hidden = true;
    send([["action", "perpage"], ["size", event.target.value]]);
  });

  if (root.dataset.loadFirst === "yes") {
    send([["action", "load"]]);
  }
})();
