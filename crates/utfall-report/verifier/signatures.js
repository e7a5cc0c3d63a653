// Level V1: who has signed the manifest, by Ed25519, and whether that is whom the reader trusts.

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

function fromBase64(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  if (btoa(String.fromCharCode(...bytes)) !== text) throw new Error('base64 that could be written otherwise');
  return bytes;
}

// A public key from `NAME+HASH+KEY`, whose parts must fit together.
async function publicKey(text) {
  const parts = /^([A-Za-z0-9._@\/-]{1,100})\+([0-9a-f]{8})\+(\S+)$/.exec(text);
  if (!parts) throw new Error(`no public key: ${text.slice(0, 60)}`);
  const [, name, hash] = parts;
  const marked = fromBase64(parts[3]);
  if (marked.length !== 33 || marked[0] !== 1) throw new Error(`${name} is no Ed25519 key`);
  const named = new Uint8Array([...new TextEncoder().encode(`${name}\n`), ...marked]);
  if (!(await sha256(named)).startsWith(hash)) throw new Error(`the parts of the key ${name} do not fit together`);
  return { text, name, bytes: marked.slice(1) };
}

// What a signature is over: type and payload, each with its length before it (DSSE 1.0.2).
function preAuthentication(payload) {
  const head = new TextEncoder().encode(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `);
  const whole = new Uint8Array(head.length + payload.length);
  whole.set(head);
  whole.set(payload, head.length);
  return whole;
}

// Whether this browser's Web Crypto has Ed25519, asked with the first vector of RFC 8032.
async function hasEd25519() {
  try {
    const bytes = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
    const raw = bytes('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
    const signature = bytes('e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b');
    const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
    return await crypto.subtle.verify('Ed25519', key, signature, new Uint8Array());
  } catch {
    return false;
  }
}

// Every signature on a bundle: its key, and whether it is valid over this manifest.
async function signatures(files, findings) {
  const file = files.get(ENVELOPE);
  if (!file) return [];
  try {
    const envelope = readJson(file.bytes);
    if (Object.keys(envelope).join() !== 'payload,payloadType,signatures' || envelope.payloadType !== PAYLOAD_TYPE) {
      throw new Error('it is of another shape');
    }
    const payload = fromBase64(envelope.payload);
    const manifest = files.get(MANIFEST)?.bytes ?? new Uint8Array();
    if (payload.length !== manifest.length || payload.some((byte, index) => byte !== manifest[index])) {
      throw new Error('its signatures are over another manifest');
    }
    const message = preAuthentication(payload);
    const found = [];
    for (const { keyid, sig } of envelope.signatures) {
      const key = await publicKey(keyid);
      const raw = await crypto.subtle.importKey('raw', key.bytes, 'Ed25519', false, ['verify']);
      const isValid = await crypto.subtle.verify('Ed25519', raw, fromBase64(sig), message);
      if (!isValid) {
        findings.push(finding(ENVELOPE, `a signature by ${key.name}`, 'another', 'the signature was not made with the key it names over this manifest'));
      }
      if (found.some((one) => inHex(one.key.bytes) === inHex(key.bytes))) throw new Error('a key signs twice');
      found.push({ key, isValid });
    }
    return found;
  } catch (error) {
    findings.push(finding(ENVELOPE, 'signatures over this manifest', error.message, 'the signatures cannot be checked'));
    return [];
  }
}

// What each signature counts for, and which requirements are met, on a day such as `2026-03-01`.
function standing(found, trust, day) {
  const signers = found.map(({ key, isValid }) => {
    const known = trust.keys.find((one) => inHex(one.key.bytes) === inHex(key.bytes) && one.key.name === key.name);
    const revoked = trust.revoked.find((one) => one.key === key.text && day >= one.on);
    let reason = null;
    if (!isValid) reason = 'the signature is not valid';
    else if (!known) reason = trust.keys.length === 0 ? 'no trust was given' : 'you have not said that you trust this key';
    else if (revoked) reason = `revoked on ${revoked.on}: ${revoked.reason}`;
    else if (day < known.from) reason = `counts from ${known.from} only`;
    else if (day >= known.until) reason = `expired on ${known.until}`;
    return { name: key.name, holder: known?.holder, role: known?.role, reason };
  });
  const requirements = trust.require.map(({ role, holders }) => {
    const counted = signers.filter((one) => one.reason === null && one.role === role);
    const names = [...new Set(counted.map((one) => one.holder))];
    return { role, holders, names, isMet: names.length >= holders };
  });
  return { signers, requirements };
}
