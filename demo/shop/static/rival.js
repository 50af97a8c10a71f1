/* Another company's script that wants the same block. It never stops: whoever fights it back loses the page's time. */
(function () {
  "use strict";
  var what = document.currentScript.dataset.what;
  var noted = (window.__rival = { what: what, acts: 0 });
  var BLOCK = ".order-details-coupon, .order-details__block--discount";
  var OWN = ".coupon-add, .cart-discount-coupon, .coupon-applied, .rival-banner";
  var WORDS = { "Подарунковий сертифікат": "Бонуси", "Подарочный сертификат": "Бонусы", "Промокод": "Бонуси" };

  var acts = {
    // Removes whatever the store did not put there itself.
    wipes: function (block) {
      return Array.prototype.filter.call(block.children, function (child) {
        if (child.matches(OWN)) return false;
        child.remove();
        return true;
      }).length > 0;
    },
    // Its banner must come first.
    pushes_in: function (block) {
      var banner = block.querySelector(".rival-banner");
      if (banner && block.firstElementChild === banner) return false;
      banner = banner || document.createElement("div");
      banner.className = "rival-banner";
      banner.textContent = "−5 % 🎁 →";
      block.insertBefore(banner, block.firstChild);
      return true;
    },
    // Writes the block's HTML anew: every listener and every inner state in it is lost.
    rewrites: function (block) {
      if (block.dataset.rivalCount === String(block.children.length)) return false;
      var html = block.innerHTML;
      block.innerHTML = html;
      block.dataset.rivalCount = String(block.children.length);
      return true;
    },
    // Changes words wherever it finds them.
    retexts: function (block) {
      var changed = false, walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT), node;
      while ((node = walker.nextNode())) {
        var text = node.data.trim();
        if (WORDS[text]) { node.data = WORDS[text]; changed = true; }
      }
      return changed;
    }
  };
  var waiting = 0;
  function look() {
    waiting = 0;
    Array.prototype.forEach.call(document.querySelectorAll(BLOCK), function (block) {
      if (acts[what](block)) noted.acts += 1;
    });
  }
  new MutationObserver(function () {
    waiting = waiting || window.setTimeout(look, 60);
  }).observe(document.body, { childList: true, subtree: true });
  look();
})();
