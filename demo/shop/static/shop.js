/* The shop's own scripts: the cart object that other scripts may use, the checkout's form, the purchase event.
   Parts of the page are fetched again and replaced whole: whatever a stranger put inside is gone then. */
(function () {
  "use strict";
  var page = window.GLOBAL;
  var dataLayer = (window.dataLayer = window.dataLayer || []);

  function all(selector, root) { return Array.prototype.slice.call((root || document).querySelectorAll(selector)); }
  function one(selector, root) { return (root || document).querySelector(selector); }
  function show(element, yes) { if (element) element.style.display = yes ? "" : "none"; }

  // -- calls, one after the other: the token may change with each -------------------------------------------------
  var queue = Promise.resolve();
  function call(path, fields) {
    var ask = function () {
      return fetch(page.prefix + "/_widget/" + path + "/", {
        method: "POST",
        headers: { "X-CSRF-Token": page.GLOBAL_CSRF_TOKEN, "X-Requested-With": "XMLHttpRequest" },
        body: new URLSearchParams(fields || {})
      }).then(function (answer) {
        page.GLOBAL_CSRF_TOKEN = answer.headers.get("X-CSRF-Token") || page.GLOBAL_CSRF_TOKEN;
        if (!answer.ok) throw new Error("HTTP " + answer.status);
        return answer.json();
      });
    };
    var done = queue.then(ask, ask);
    queue = done.catch(function () {});
    return done;
  }

  // -- the cart object ------------------------------------------------------------------------------------------------
  function Cart() {
    this.Cart = { products: {}, total: { "default": 0, sum: 0, quantity: 0, complete_price: 0 }, coupon_data: {} };
    this.handlers = [];
  }
  Cart.prototype.attachEventHandlers = function (handlers) { this.handlers.push(handlers); };
  Cart.prototype.fire = function (name, about) {
    var goOn = true, cart = this;
    this.handlers.forEach(function (handlers) {
      if (typeof handlers[name] === "function" && handlers[name].call(cart, cart.Cart, about) === false) goOn = false;
    });
    return goOn;
  };
  Cart.prototype.take = function (response) {
    this.Cart.products = response.products;
    this.Cart.total = response.total.total;
    this.Cart.coupon_data = response.total.coupon_data;
    all(".j-cart-count").forEach(function (count) {
      count.textContent = response.total.total.quantity;
      count.hidden = !response.total.total.quantity;
    });
  };
  Cart.prototype.act = function (action, fields, event) {
    var cart = this;
    busy(true);
    return call("ajax_cart/" + action, fields).then(function (answer) {
      if (answer.status === "CART_EXCEPTION") {
        if (action.indexOf("append") === 0) cart.fire("onAppendProductException", answer.response);
        cart.fire("onLimitReached", answer.response);
        return cart.reloadHtml().then(function () { note(answer.response.message || ""); return answer; });
      }
      if (answer.status !== "OK") return answer;
      cart.take(answer.response);
      if (event) cart.fire(event, fields);
      cart.fire("onChange", fields);
      return cart.reloadHtml(action).then(function () { return answer; });
    }).then(function (answer) { busy(false); return answer; }, function (failed) { busy(false); throw failed; });
  };
  Cart.prototype.appendProduct = function (id, quantity) {
    if (!this.fire("onBeforeProductAdd", { id: id })) return Promise.resolve(null);
    return this.act("appendProduct", { id: id, quantity: quantity || 1 }, "onProductAdd");
  };
  Cart.prototype.setProductQuantityByHash = function (hash, quantity) {
    return this.act("setProductQuantityByHash", { hash: hash, quantity: quantity }, "onQuantityChange");
  };
  Cart.prototype.removeProductByHash = function (hash) {
    if (!this.fire("onBeforeProductRemove", { hash: hash })) return Promise.resolve(null);
    return this.act("removeProductByHash", { hash: hash }, "onProductRemove");
  };
  Cart.prototype.setCouponCode = function (code) {
    return this.act("setCouponCode", { code: code, skin: page.skin }, "onCouponChange");
  };
  Cart.prototype.reload = function () {
    var cart = this;
    return this.act("init", {}).then(function (answer) { cart.fire("onReload"); return answer; });
  };
  Cart.prototype.reloadHtml = function (action) {
    var cart = this, parts = [];
    if (page.onCheckout && !this.Cart.total.quantity) {
      window.location.assign(page.prefix + "/");
      return Promise.resolve();
    }
    if (one(".j-order-part")) parts.push(["order", one(".j-order-part")]);
    all("#cart, #cart-drawer, .j-cart-part").forEach(function (place) { parts.push(["cart", place]); });
    if (page.onCheckout && (page.whole_rerender || (page.coupon_resets_delivery && action === "setCouponCode"))) {
      parts.push(["sections", one(".j-checkout-sections"), action]);
    }
    return Promise.all(parts.map(function (part) { return renewPart.apply(null, part); })).then(function () {
      cart.fire("onReloadHtml");
    });
  };

  function renewPart(skin, place, action) {
    var typed = skin === "sections" ? typedIn(place) : {};
    if (page.coupon_resets_delivery && action === "setCouponCode") {
      Object.keys(typed).forEach(function (name) { if (name.indexOf("Delivery[") === 0) delete typed[name]; });
    }
    return call("ajax_cart/render/" + skin, typed).then(function (answer) {
      if (answer.status !== "OK") return;
      if (skin === "sections") typed = Object.assign({}, typedIn(place), typed);
      place.innerHTML = answer.response.html;
      if (skin === "sections") restore(place, typed, !page.coupon_resets_delivery || action !== "setCouponCode");
    });
  }
  function typedIn(place) {
    var typed = {};
    all("input[name], select[name], textarea[name]", place).forEach(function (field) { typed[field.name] = field.value; });
    return typed;
  }
  function restore(place, typed, withDelivery) {
    all("input[name], select[name], textarea[name]", place).forEach(function (field) {
      if (!(field.name in typed) || (!withDelivery && field.name.indexOf("Delivery[") === 0)) return;
      field.value = typed[field.name];
    });
    showDelivery();
  }

  function busy(yes) { all(".j-order-part, #cart, #cart-drawer").forEach(function (part) { part.classList.toggle("is-loading", yes); }); }
  function note(sentence) {
    all(".j-cart-note").forEach(function (place) { place.textContent = sentence; place.hidden = !sentence; });
  }

  var cart = new Cart();
  function publishCart() {
    window.AjaxCart = { getInstance: function () { return cart; } };
    document.dispatchEvent(new CustomEvent("AjaxCartInstanced", { detail: cart }));
    cart.fire("onInit");
  }

  // -- the cart's window ------------------------------------------------------------------------------------------------
  function openCart(yes) {
    var place = one("#cart, #cart-drawer");
    if (!place) return;
    place.hidden = !yes;
    one(".j-cart-shade").hidden = !yes;
    document.body.classList.toggle("has-cart-open", yes);
    if (yes) one(".j-cart-close", place).focus();
  }

  // -- clicks: one listener, because the parts come and go ----------------------------------------------------------
  function setQuantity(line, quantity) {
    if (Number.isFinite(quantity) && quantity >= 1) cart.setProductQuantityByHash(line.dataset.hash, Math.floor(quantity)).catch(cartFailed);
    else cart.reloadHtml();
  }
  function cartFailed() { note("⚠"); }
  var clicks = {
    ".j-buy": function (button) {
      cart.appendProduct(button.dataset.id, 1).then(function (answer) {
        if (!answer) return;
        openCart(true);
        if (answer.status === "OK") tellAdded(button.dataset.id);
      }, cartFailed);
    },
    ".j-cart-open": function () { openCart(true); },
    ".j-cart-close": function () { openCart(false); },
    ".j-cart-shade": function () { openCart(false); },
    ".j-increase-p": function (button) { step(button, 1); },
    ".j-decrease-p": function (button) { step(button, -1); },
    ".j-remove-p": function (link) {
      cart.removeProductByHash(link.closest(".j-cart-product").dataset.hash).catch(cartFailed);
    },
    ".j-coupon-add": function (opener) {
      var form = one(".j-coupon-form", opener.parentNode);
      show(form, true);
      show(opener, false);
      one(".j-coupon-input", form).focus();
    },
    ".j-coupon-submit": function (button) { applyCoupon(button.closest(".j-coupon-form")); },
    ".j-coupon-remove": function () { cart.setCouponCode("").catch(cartFailed); }
  };
  function step(button, by) {
    var line = button.closest(".j-cart-product");
    setQuantity(line, Number(one(".j-quantity-p", line).value) + by);
  }
  function applyCoupon(form) {
    var code = one(".j-coupon-input", form).value.trim();
    if (!code) return;
    cart.setCouponCode(code).then(function (answer) {
      if (answer.status !== "OK") couponError(form, answer.response.message || "⚠");
    }, function () { couponError(form, "⚠"); });
  }
  function couponError(form, sentence) {
    var place = one(".j-coupon-error", form);
    place.textContent = sentence;
    place.hidden = false;
  }
  document.addEventListener("click", function (event) {
    Object.keys(clicks).some(function (selector) {
      var found = event.target.closest ? event.target.closest(selector) : null;
      if (!found) return false;
      event.preventDefault();
      clicks[selector](found);
      return true;
    });
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") openCart(false);
    if (event.key !== "Enter" || !event.target.matches) return;
    if (event.target.matches(".j-coupon-input")) {
      event.preventDefault();
      applyCoupon(event.target.closest(".j-coupon-form"));
    } else if (event.target.matches(".j-quantity-p")) {
      event.preventDefault();
      event.target.blur();
    }
  });
  document.addEventListener("change", function (event) {
    var field = event.target;
    if (field.matches(".j-quantity-p")) setQuantity(field.closest(".j-cart-product"), Number(field.value));
    if (field.matches(".j-delivery-type")) {
      showDelivery();
      busy(true);
      call("delivery/choose", { type: field.value }).then(function (answer) {
        if (answer.status !== "OK") return null;
        cart.take(answer.response);
        cart.fire("onChange", {});
        return cart.reloadHtml("delivery");
      }).then(function () { busy(false); }, function () { busy(false); });
    }
  });

  // -- the checkout's form ------------------------------------------------------------------------------------------------
  function showDelivery() {
    var type = one(".j-delivery-type");
    if (!type) return;
    ["nova", "courier"].forEach(function (key) {
      var row = one(".j-delivery-" + key);
      if (row) row.hidden = type.value !== key;
    });
  }
  function takeCity(field) {
    var option = all("#cities option").filter(function (one) { return one.value === field.value.trim(); })[0];
    var id = one("[name='Recipient[delivery_city_id]']");
    var key = option ? option.dataset.id : "";
    if (id.value === key) return;
    id.value = key;
    call("delivery/warehouses", { city_id: key }).then(function (answer) {
      var select = one(".j-warehouse");
      if (answer.status !== "OK" || !select) return;
      select.length = 1;
      Object.keys(answer.response.warehouses).forEach(function (one) {
        select.add(new Option(answer.response.warehouses[one], one));
      });
    }).catch(function () {});
  }
  function maskPhone(field) {
    var digits = field.value.replace(/\D/g, "").replace(/^(38)+(?=0)/, "");
    if (digits === "3" || digits === "38") digits = "";
    digits = digits.replace(/^38?(?=[1-9])/, "").slice(0, 10);
    if (!digits) { field.value = ""; return; }
    var at = 0;
    field.value = page.phone_mask.replace(/9/g, function () { return at < digits.length ? digits.charAt(at++) : "_"; });
    var end = field.value.indexOf("_");
    if (document.activeElement === field) field.setSelectionRange(end < 0 ? field.value.length : end, end < 0 ? field.value.length : end);
  }
  document.addEventListener("input", function (event) {
    if (event.target.matches("#checkout-city")) takeCity(event.target);
    if (event.target.matches(".j-phone-masked")) maskPhone(event.target);
  });
  function CheckoutComponent(node) { this.name = node.dataset.component; this.node = node; }
  CheckoutComponent.prototype.getData = function () { return typedIn(this.node); };
  if (one(".checkout-form")) {
    page.onCheckout = true;
    window.CheckoutModule = {
      getInstance: function () {
        return {
          getComponentByName: function (name) {
            var node = one(".j-component[data-component='" + name + "']");
            return node ? new CheckoutComponent(node) : null;
          }
        };
      }
    };
    one(".checkout-form").addEventListener("submit", function () {
      one(".checkout-form").classList.add("is-loading");
      page.onCheckout = false; // an answer that is still on its way finds the cart empty, and must not lead home from a placed order
    });
  }

  // -- what analytics is told ---------------------------------------------------------------------------------------------
  function gtag() { dataLayer.push(arguments); }
  function tell(name, ecommerce, old) {
    if (page.data_layer === "ga4") {
      dataLayer.push({ ecommerce: null });
      dataLayer.push({ event: name, ecommerce: ecommerce });
    } else if (page.data_layer === "gtag") {
      gtag("event", name, ecommerce);
    } else if (page.data_layer === "universal" && old) {
      dataLayer.push({ event: "ecommerce", ecommerce: old });
    }
  }
  function tellAdded(id) {
    Object.keys(cart.Cart.products).forEach(function (hash) {
      var product = cart.Cart.products[hash];
      if (String(product.id) !== String(id)) return;
      var item = { item_id: product.article, item_name: product.title, price: product.price, quantity: 1 };
      tell("add_to_cart", { currency: "UAH", value: product.price, items: [item] }, {
        currencyCode: "UAH",
        add: { products: [{ id: product.article, name: product.title, price: product.price, quantity: 1 }] }
      });
    });
  }
  function tellPurchase() {
    var place = one("#shop-purchase");
    if (!place) return;
    var bought = JSON.parse(place.textContent);
    var products = bought.items.map(function (item) {
      return { id: item.item_id, name: item.item_name, price: item.price, quantity: item.quantity };
    });
    window.setTimeout(function () {
      tell("purchase", Object.assign({ currency: "UAH" }, bought), {
        purchase: {
          actionField: { id: bought.transaction_id, revenue: bought.value, coupon: bought.coupon },
          products: products
        }
      });
    }, page.data_layer_ms);
  }

  // The cart is there a moment after the page, or later, or never for other scripts.
  call("ajax_cart/init").then(function (answer) {
    if (answer.status === "OK") cart.take(answer.response);
  }).catch(function () {}).then(function () {
    if (page.ajax_cart === "there") publishCart();
    if (page.ajax_cart === "late") window.setTimeout(publishCart, 1500);
  });
  showDelivery();
  tellPurchase();
})();
