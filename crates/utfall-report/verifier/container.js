// The zip a bundle travels in. It is read leniently, then written again in its one canonical form
// and compared byte for byte, so that no byte is without meaning.

const MOST_FILES = 10000;
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/;

function isSafeName(name) {
  const part = (one) =>
    /^[a-z0-9._-]+$/.test(one) && !one.startsWith('.') && !one.endsWith('.') && !DEVICE.test(one);
  return name.length <= 200 && name.toLowerCase().split('/').every(part);
}

const CHECKSUMS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function checksum(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = CHECKSUMS[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

// Files by name, with the checksum each header states; or why there are none.
function readContainer(zip) {
  const files = new Map();
  const folded = new Set();
  const refused = (message, at) => ({
    findings: [{ place: `the zip, offset ${at}`, expected: 'a bundle as utfall writes it', found: 'something else', message }],
  });
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  let at = 0;
  for (;;) {
    if (at + 4 > zip.length) return refused('the zip ends early', at);
    const signature = view.getUint32(at, true);
    if (signature === 0x02014b50 || signature === 0x06054b50) break;
    if (signature !== 0x04034b50 || at + 30 > zip.length) return refused('no file starts here', at);
    if (view.getUint16(at + 6, true) !== 0 || view.getUint16(at + 8, true) !== 0) {
      return refused('the zip was packed by another tool; ask for the file as it was written', at);
    }
    const size = view.getUint32(at + 18, true);
    const nameEnd = at + 30 + view.getUint16(at + 26, true);
    if (nameEnd + size > zip.length) return refused('the zip ends early', at);
    const name = String.fromCharCode(...zip.subarray(at + 30, nameEnd));
    const fold = name.toLowerCase();
    const folders = [...fold.matchAll(/\//g)].map((slash) => fold.slice(0, slash.index));
    const collides = [fold, ...folders].some((one) => folded.has(one))
      || [...folded].some((one) => one.startsWith(`${fold}/`));
    if (!isSafeName(name) || collides || files.size === MOST_FILES) {
      return refused('the name of a file is not safe everywhere, or is taken', at);
    }
    folded.add(fold);
    const bytes = zip.subarray(nameEnd, nameEnd + size);
    files.set(name, { bytes, stated: view.getUint32(at + 14, true), checksum: checksum(bytes) });
    at = nameEnd + size;
  }
  return { files, findings: differences(files, zip) };
}

// Where a zip is not the canonical one of its files, but for checksums of changed content.
function differences(files, zip) {
  const canonical = writeContainer(files);
  const n = Math.min(canonical.length, zip.length);
  let at = 0;
  while (at < n && canonical[at] === zip[at]) at += 1;
  if (at === n && canonical.length === zip.length) return [];
  return [{
    place: `the zip, offset ${at}`,
    expected: at < canonical.length ? `byte ${canonical[at]}` : 'the end of the file',
    found: at < zip.length ? `byte ${zip[at]}` : 'the end of the file',
    message: 'the zip is not written as a bundle is',
  }];
}

// PKWARE's APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16: stored, dated 1980-01-01, in order.
function writeContainer(files) {
  const two = (value) => [value & 0xff, (value >>> 8) & 0xff];
  const four = (value) => [...two(value & 0xffff), ...two(value >>> 16)];
  const names = [...files.keys()].sort();
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const name of names) {
    const { bytes, stated } = files.get(name);
    const letters = [...name].map((letter) => letter.charCodeAt(0));
    const size = four(bytes.length);
    const shared = [
      ...two(10), ...two(0), ...two(0), ...two(0), ...two(0x21), ...four(stated), ...size, ...size,
      ...two(letters.length), ...two(0),
    ];
    const header = Uint8Array.from([...four(0x04034b50), ...shared, ...letters]);
    directory.push(
      ...four(0x02014b50), ...two(0x0314), ...shared, ...two(0), ...two(0), ...two(0),
      ...four(0x81a40000), ...four(offset), ...letters,
    );
    parts.push(header, bytes);
    offset += header.length + bytes.length;
  }
  const count = two(names.length);
  const end = [
    ...four(0x06054b50), ...two(0), ...two(0), ...count, ...count, ...four(directory.length),
    ...four(offset), ...two(0),
  ];
  parts.push(Uint8Array.from(directory), Uint8Array.from(end));
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
