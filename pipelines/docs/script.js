(function () {
  "use strict";
  var root = document.documentElement;
  var pages = Array.prototype.slice.call(document.querySelectorAll(".page"));
  var all = function (selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); };
  var home = document.title;
  var columns = function (page) { return all(".columns tbody tr", page); };
  var nameOf = function (row) { return row.cells[0].firstChild.textContent; };

  // One page at a time, by the address; #all shows every one, to print or to search in the browser.
  function show() {
    var name = decodeURIComponent(location.hash.slice(1)) || "home";
    var target = document.getElementById(name);
    var parts = name.split("/"); // table/column
    if (!target && parts.length === 2) target = document.getElementById(parts[0]);
    var everything = name === "all";
    root.classList.toggle("everything", everything);
    var page = everything ? null : (target && target.closest(".page")) || document.getElementById("home");
    pages.forEach(function (p) { p.classList.toggle("on", p === page); });
    all(".on", document.querySelector("main")).forEach(function (e) { if (e.matches("tr, .metric")) e.classList.remove("on"); });
    all("nav a").forEach(function (a) {
      var on = page && a.getAttribute("href") === "#" + page.id;
      a.classList.toggle("on", !!on);
      if (on && a.closest("details")) a.closest("details").open = true;
    });
    document.title = page && page.id !== "home" ? page.dataset.title + " · " + home : home;
    document.body.classList.remove("menu-open");
    var row = page && parts.length === 2 && columns(page).filter(function (row) { return nameOf(row) === parts[1]; })[0];
    var spot = row || (target && target !== page ? target : null);
    if (spot) { spot.classList.add("on"); spot.scrollIntoView({ block: "center" }); } else window.scrollTo(0, 0);
    if (page && page.id === "home") all(".graph", page).forEach(function (svg) { point(svg, parts[1]); });
  }

  // home/table: the picture shows the table, all it comes from and all that comes from it.
  function point(svg, table) {
    all(".focus", svg).forEach(function (n) { n.classList.remove("focus"); });
    if (svg.dark) svg.dark();
    var node = table && all(".node", svg).filter(function (n) { return n.getAttribute("href") === "#" + table; })[0];
    if (!node) return;
    node.classList.add("focus");
    svg.light(node.dataset.node);
    centre(svg);
    svg.closest(".picture").scrollIntoView();
  }

  // A picture wider than its frame begins at the table it is about.
  function centre(svg) {
    var focus = svg.querySelector(".focus rect"), frame = svg.parentNode;
    if (!focus) return;
    frame.scrollLeft = +focus.getAttribute("x") + focus.getAttribute("width") / 2 - frame.clientWidth / 2;
    frame.scrollTop = +focus.getAttribute("y") - frame.clientHeight / 2;
  }

  all(".fitter").forEach(function (button) {
    button.addEventListener("click", function () {
      var fit = button.nextElementSibling.classList.toggle("fit");
      button.textContent = fit ? "full size" : "fit";
      if (!fit) all(".graph", button.nextElementSibling).forEach(centre);
    });
  });

  // Pointing at a table shows all it comes from and all that comes from it.
  all(".graph").forEach(function (svg) {
    var nodes = all(".node", svg), edges = all(".edge", svg);
    function reach(start, from, to) {
      var seen = {}, queue = [start];
      while (queue.length) {
        var at = queue.pop();
        if (seen[at]) continue;
        seen[at] = true;
        edges.forEach(function (e) { if (e.dataset[from] === at) queue.push(e.dataset[to]); });
      }
      return seen;
    }
    function light(name) {
      var up = reach(name, "to", "from"), down = reach(name, "from", "to");
      svg.classList.add("dim");
      nodes.forEach(function (n) { n.classList.toggle("lit", !!(up[n.dataset.node] || down[n.dataset.node])); });
      edges.forEach(function (e) { e.classList.toggle("lit", !!(up[e.dataset.from] && up[e.dataset.to] || down[e.dataset.from] && down[e.dataset.to])); });
    }
    svg.light = light;
    svg.dark = function () { svg.classList.remove("dim"); all(".lit", svg).forEach(function (e) { e.classList.remove("lit"); }); };
    nodes.forEach(function (n) {
      n.addEventListener("mouseenter", function () { light(n.dataset.node); });
      n.addEventListener("focus", function () { light(n.dataset.node); });
      n.addEventListener("mouseleave", svg.dark);
    });
  });

  // The index: tables and checks, their columns, metrics.
  var index = [];
  var about = {}; // pages, from the list of them
  all("nav a[title]").forEach(function (a) { about[a.getAttribute("href").slice(1)] = a.title; });
  pages.forEach(function (p) {
    if (p.dataset.kind) index.push({ name: p.dataset.title, about: about[p.id], kind: p.dataset.kind, to: p.id, weight: p.dataset.kind === "mart" ? 0 : 2 });
    columns(p).forEach(function (row) {
      index.push({ name: nameOf(row), about: p.id + " · " + row.cells[2].textContent, kind: "column", to: p.id + "/" + nameOf(row), weight: p.dataset.kind === "mart" ? 3 : 5 });
    });
  });
  all("[data-metric]").forEach(function (m) { index.push({ name: m.querySelector("h3").firstChild.textContent.trim(), about: m.querySelector("p").textContent, kind: "metric", to: m.id, weight: 1 }); });

  var find = document.getElementById("find"), found = document.getElementById("found"), at = 0;
  function score(item, words) {
    var name = item.name.toLowerCase(), text = name + " " + (item.about || "").toLowerCase(), total = item.weight;
    for (var i = 0; i < words.length; i++) {
      if (text.indexOf(words[i]) < 0) return -1;
      var short = name.replace(/^[a-z]+\./, "");
      total += short === words[i] ? 0 : short.indexOf(words[i]) === 0 ? 4 : name.indexOf(words[i]) >= 0 ? 8 : 20;
    }
    return total;
  }
  function search() {
    var words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    found.textContent = "";
    found.hidden = !words.length;
    if (!words.length) return;
    var hits = index.map(function (item) { return { item: item, score: score(item, words) }; })
      .filter(function (h) { return h.score >= 0; })
      .sort(function (a, b) { return a.score - b.score || (a.item.name < b.item.name ? -1 : 1); }).slice(0, 30);
    hits.forEach(function (h) {
      var a = document.createElement("a"), dot = document.createElement("i"), about = document.createElement("small"), li = document.createElement("li");
      a.href = "#" + h.item.to;
      dot.className = "dot " + h.item.kind;
      a.appendChild(dot);
      a.appendChild(document.createTextNode(h.item.name + (h.item.kind === "column" || h.item.kind === "metric" ? "  (" + h.item.kind + ")" : "")));
      about.textContent = h.item.about;
      a.appendChild(about);
      li.appendChild(a);
      found.appendChild(li);
    });
    if (!hits.length) found.innerHTML = '<li class="none">Nothing of that name.</li>';
    mark(0);
  }
  function mark(n) {
    var links = all("a", found);
    if (!links.length) return;
    at = (n + links.length) % links.length;
    links.forEach(function (a, i) { a.classList.toggle("on", i === at); });
    links[at].scrollIntoView({ block: "nearest" });
  }
  function close() { found.hidden = true; find.value = ""; find.blur(); }
  find.addEventListener("input", search);
  find.addEventListener("keydown", function (e) {
    if (e.key === "ArrowDown") { mark(at + 1); e.preventDefault(); }
    if (e.key === "ArrowUp") { mark(at - 1); e.preventDefault(); }
    if (e.key === "Escape") close();
    var links = all("a", found);
    if (e.key === "Enter" && links[at]) { location.hash = links[at].getAttribute("href"); close(); }
  });
  found.addEventListener("click", close);
  document.addEventListener("click", function (e) { if (!e.target.closest(".find")) found.hidden = true; });
  document.addEventListener("keydown", function (e) {
    if (e.key === "/" && !e.target.closest("input")) { find.focus(); e.preventDefault(); }
  });

  // SQL as written or as it runs, and to the clipboard.
  var tabs = document.createElement("div");
  tabs.className = "tabs";
  tabs.innerHTML = '<button type="button" class="on" data-tab="written">as written</button><button type="button" data-tab="compiled">as it runs</button><button type="button" class="copy">copy</button>';
  all(".sql").forEach(function (box) {
    box.insertBefore(tabs.cloneNode(true), box.firstChild);
    box.addEventListener("click", function (e) {
      var button = e.target.closest("button");
      if (!button) return;
      if (button.classList.contains("copy")) {
        copy(box.querySelector("pre").innerText.replace(/\t/g, "    "), button); // without what is hidden
        return;
      }
      box.classList.toggle("compiled", button.dataset.tab === "compiled");
      all("[data-tab]", box).forEach(function (b) { b.classList.toggle("on", b === button); });
    });
  });
  function copy(text, button) {
    var done = function () { button.textContent = "copied"; setTimeout(function () { button.textContent = "copy"; }, 1500); };
    if (navigator.clipboard) { navigator.clipboard.writeText(text).then(done, function () { byHand(text, done); }); } else byHand(text, done);
  }
  function byHand(text, done) {
    var area = document.createElement("textarea");
    area.value = text;
    document.body.appendChild(area);
    area.select();
    if (document.execCommand("copy")) done();
    area.remove();
  }

  document.querySelector(".theme").addEventListener("click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("winback-theme", root.dataset.theme); } catch (e) { /* a page from a file may keep nothing */ }
  });
  document.querySelector(".menu").addEventListener("click", function () {
    this.setAttribute("aria-expanded", document.body.classList.toggle("menu-open"));
  });
  document.querySelector("main").addEventListener("click", function () { document.body.classList.remove("menu-open"); });
  window.addEventListener("hashchange", show);
  window.addEventListener("beforeprint", function () { all(".page.on details, .everything .page details").forEach(function (d) { d.open = true; }); });
  show();
})();
