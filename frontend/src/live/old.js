// Runs before the page's script, in the words of an old browser: says what the page lacks there.
(function () {
  var wanted = [["Array.prototype.at", Array.prototype.at], ["Array.prototype.toSorted", Array.prototype.toSorted], ["String.prototype.replaceAll", String.prototype.replaceAll], ["IntersectionObserver", window.IntersectionObserver]];
  var missing = [];
  for (var at = 0; at < wanted.length; at += 1) if (!wanted[at][1]) missing.push(wanted[at][0]);
  var place = document.getElementById("old");
  if (!place) return;
  var said = place.getAttribute("data-old").replace(/\{missing\}/g, missing.length ? missing.join(", ") : "ES2022");
  place.firstChild.nodeValue = said;
})();
