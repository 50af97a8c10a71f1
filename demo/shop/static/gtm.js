/* The stand-in for Tag Manager's library: fires the container's custom HTML tags the way the real one does.
   HTML is parsed apart from the page, nodes are moved to the end of <body>, and scripts are made anew, because
   parsed ones never run: of their attributes only src and type survive. */
(function () {
  "use strict";
  var container = window.__container;
  var manager = (window.google_tag_manager = window.google_tag_manager || {});
  var noted = { success: [], failure: [] };
  manager[container.id] = {
    onHtmlSuccess: function (id) { noted.success.push(id); },
    onHtmlFailure: function (id) { noted.failure.push(id); }
  };
  window.__gtm = { fired: [], noted: noted };

  function revive(script) {
    var made = document.createElement("script");
    if (script.type && script.type !== "text/gtmscript") made.type = script.type;
    if (script.src) {
      made.async = true;
      made.src = script.src;
    } else {
      made.text = script.text;
    }
    return made;
  }

  function insert(parent, nodes) {
    nodes.forEach(function (node) {
      if (node.nodeName === "SCRIPT") {
        parent.appendChild(revive(node));
      } else if (node.querySelectorAll && node.querySelectorAll("script").length) {
        var children = Array.prototype.slice.call(node.childNodes);
        while (node.firstChild) node.removeChild(node.firstChild);
        parent.appendChild(node);
        insert(node, children);
      } else {
        parent.appendChild(node);
      }
    });
  }

  function fire(tag) {
    if (tag.refused.length) {
      console.error("Tag Manager refuses the tag " + tag.name + ": " + tag.refused.join(", "));
      return;
    }
    var apart = document.createElement("div");
    apart.innerHTML = tag.html;
    window.__gtm.fired.push(tag.name);
    insert(document.body, Array.prototype.slice.call(apart.childNodes));
  }

  function fireAll() {
    var path = window.location.pathname;
    container.tags.forEach(function (tag) {
      if (path.indexOf(tag.contains) >= 0 && !(tag.without && path.indexOf(tag.without) >= 0)) fire(tag);
    });
  }

  function start() {
    window.dataLayer.push({ event: "gtm.dom" });
    fireAll();
    // A history change, or a second container with the same tag.
    if (container.fires > 1) window.setTimeout(fireAll, 300);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
