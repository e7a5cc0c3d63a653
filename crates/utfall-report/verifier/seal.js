// Level V0: every file is the one whose digest the manifest states, and the seal is the manifest's.

const MANIFEST = 'manifest.json';
const SEAL = 'seal.txt';
const ENVELOPE = 'manifest.dsse.json';
const PROOFS = ['bundle', 'plan', 'units'].map((name) => `ledger/${name}.tlog-proof`);
const STATEMENT = 'https://in-toto.io/Statement/v1';

const inHex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

async function sha256(bytes) {
  return inHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

const finding = (place, expected, found, message) => ({ place, expected, found, message });

// A bundle's files and what is not as it was sealed.
async function inspect(zip) {
  const { files, findings } = readContainer(zip);
  if (!files) return { files: null, findings, seal: null };
  const explained = new Set();
  const missing = (name) => findings.push(finding(name, 'a file', 'nothing', 'a file is missing'));
  const manifest = files.get(MANIFEST);
  const seal = manifest ? await sha256(manifest.bytes) : null;
  if (!manifest) missing(MANIFEST);
  if (!files.has(SEAL)) missing(SEAL);
  if (manifest && files.has(SEAL)) {
    const line = new TextDecoder().decode(files.get(SEAL).bytes);
    if (line !== `${seal}  ${MANIFEST}\n`) {
      findings.push(finding(SEAL, seal, line.slice(0, 100), 'the seal is not the digest of the manifest'));
      explained.add(SEAL).add(MANIFEST);
    }
  }
  const known = new Set([MANIFEST, SEAL, ENVELOPE, ...PROOFS]);
  for (const { name, digest } of statement(manifest, findings)) {
    known.add(name);
    const file = files.get(name);
    if (!file) {
      missing(name);
      continue;
    }
    const found = await sha256(file.bytes);
    if (found !== digest) {
      findings.push(finding(name, digest, found, 'the file was changed after it was sealed'));
      explained.add(name);
    }
  }
  for (const [name, file] of files) {
    if (!known.has(name)) {
      findings.push(finding(name, 'no such file', 'a file', 'the manifest does not speak of this file'));
    }
    if (file.checksum !== file.stated && !explained.has(name)) {
      findings.push(finding(name, `checksum ${file.checksum}`, `${file.stated}`, 'the checksum in the zip is not that of the file'));
    }
  }
  return { files, findings, seal };
}

// The files a manifest speaks of; none, and a finding, if it is no statement.
function statement(manifest, findings) {
  if (!manifest) return [];
  try {
    const document = readJson(manifest.bytes);
    const keys = Object.keys(document).join();
    if (keys !== '_type,predicate,predicateType,subject' || document._type !== STATEMENT) {
      throw new Error('it is of another shape');
    }
    if (document.predicateType !== 'urn:utfall:run:1') throw new Error('it does not speak of a run');
    const subjects = document.subject.map(({ name, digest }) => ({ name, digest: digest.sha256 }));
    if (subjects.some(({ name }, index) => index > 0 && !(subjects[index - 1].name < name))) {
      throw new Error('its files are not in the order of distinct names');
    }
    return subjects;
  } catch (error) {
    findings.push(finding(MANIFEST, 'an in-toto Statement v1 in canonical JSON', error.message, 'the manifest cannot be read'));
    return [];
  }
}
