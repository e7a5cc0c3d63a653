// Canonical JSON (RFC 8785), read strictly. A number keeps its text and never becomes a float; a
// document that could be written in another way is refused, so that no two readers see two documents.

class Numeral {
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

function readJson(bytes) {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  let at = 0;
  const fail = () => {
    throw new Error(`no canonical JSON at character ${at}`);
  };
  const taken = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) fail();
    at += found[0].length;
    return found[0];
  };
  const string = () => {
    const start = at;
    const raw = taken(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\bfnrt]|u[0-9a-f]{4}))*"/y);
    const value = JSON.parse(raw);
    if (JSON.stringify(value) !== raw) {
      at = start;
      fail();
    }
    return value;
  };
  const value = (depth) => {
    if (depth > 64) fail();
    switch (text[at]) {
      case '{':
        return object(depth);
      case '[':
        return list(depth);
      case '"':
        return string();
      case 't':
        return taken(/true/y) && true;
      case 'f':
        return taken(/false/y) && false;
      case 'n':
        taken(/null/y);
        return null;
      default:
        return number();
    }
  };
  const number = () => {
    const raw = taken(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]\d+)?/y);
    const isWhole = /^-?\d+$/.test(raw) && raw !== '-0';
    if (!isWhole && String(Number(raw)) !== raw) fail();
    return new Numeral(raw);
  };
  const list = (depth) => {
    const items = [];
    at += 1;
    if (text[at] === ']') return (at += 1) && items;
    for (;;) {
      items.push(value(depth + 1));
      if (text[at] === ']') return (at += 1) && items;
      taken(/,/y);
    }
  };
  const object = (depth) => {
    const members = Object.create(null);
    let last = null;
    at += 1;
    if (text[at] === '}') return (at += 1) && members;
    for (;;) {
      const key = string();
      if (last !== null && !(last < key)) fail(); // in order, and so none twice
      last = key;
      taken(/:/y);
      members[key] = value(depth + 1);
      if (text[at] === '}') return (at += 1) && members;
      taken(/,/y);
    }
  };
  const document = value(0);
  if (at !== text.length) fail();
  return document;
}
