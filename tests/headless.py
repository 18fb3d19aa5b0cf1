"""What the tests in a headless browser share: two screens, a file server, and what is measured in a page."""

from http.server import SimpleHTTPRequestHandler

SCREENS = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
WIDE = "document.documentElement.scrollWidth - window.innerWidth"
# of the texts in elements that a selector finds, the one of the least contrast: [ratio, its beginning]
CONTRAST = """selector => {
  const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = rgb => { const [r, g, b] = rgb.map(v => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b; };
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const paper = node => { for (; node; node = node.parentElement) { const c = parts(getComputedStyle(node).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  const worst = [];
  for (const node of document.querySelectorAll(selector)) {
    if (!node.offsetParent || ![...node.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [light(parts(getComputedStyle(node).color).slice(0, 3)), light(paper(node))].sort((x, y) => y - x);
    worst.push([(a + .05) / (b + .05), node.textContent.trim().slice(0, 40)]);
  }
  return worst.sort((x, y) => x[0] - y[0])[0];
}"""


class Quiet(SimpleHTTPRequestHandler):
    """A file server that does not report each request; what ends in .gz stays compressed, as on a static host."""

    def log_message(self, *args) -> None:
        pass
