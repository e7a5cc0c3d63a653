// Whom the reader trusts: `trust.toml` as `utfall key trust` writes it, or nothing but public keys,
// one a line, each of which must then have signed.

const TABLES = {
  key: { key: 'text', holder: 'text', role: 'text', from: 'day', until: 'day' },
  revoked: { key: 'text', on: 'day', reason: 'text' },
  require: { role: 'text', holders: 'number' },
  ledger: { key: 'text', cosigners: 'number' },
};

const KEY_LINE = /^[^\s+=]+\+[0-9a-f]{8}\+\S+$/;

async function readTrust(text) {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const meant = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (meant.length > 0 && meant.every((line) => KEY_LINE.test(line))) return listedKeys(meant);
  const tables = { key: [], revoked: [], require: [], ledger: [] };
  let [current, form, schema] = [null, null, null];
  for (const line of meant) {
    const head = /^\[\[(\w+)\]\]\s*(?:#.*)?$/.exec(line);
    if (head && Object.hasOwn(TABLES, head[1])) {
      [current, form] = [{}, TABLES[head[1]]];
      tables[head[1]].push(current);
      continue;
    }
    const [name, value] = member(line);
    if (current === null && name === 'schema') schema = value;
    else if (current && Object.hasOwn(form, name) && !Object.hasOwn(current, name)) {
      current[name] = checked(form[name], value, line);
    } else throw new Error(`the trust policy has a line that this page does not know: ${line}`);
  }
  if (meant.length > 0 && schema !== 'utfall-trust/1') {
    throw new Error('no trust policy of the form utfall-trust/1, and no list of public keys');
  }
  return policy(tables);
}

function member(line) {
  const found = /^([A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\["\\])*)"|'([^']*)'|(\d+))\s*(?:#.*)?$/.exec(line);
  if (!found) throw new Error(`the trust policy has a line that this page does not read: ${line}`);
  const [, name, quoted, literal, number] = found;
  if (number !== undefined) return [name, Number(number)];
  return [name, quoted === undefined ? literal : quoted.replace(/\\(.)/g, '$1')];
}

function checked(kind, value, line) {
  const fits = kind === 'number' ? typeof value === 'number' : typeof value === 'string';
  if (!fits || (kind === 'day' && !/^\d{4}-\d{2}-\d{2}$/.test(value))) {
    throw new Error(`the trust policy has a line of another kind than expected: ${line}`);
  }
  return value;
}

// The same refusals as `utfall verify`: a key has one holder and one role, and nobody is required.
async function policy(tables) {
  for (const [name, form] of Object.entries(TABLES)) {
    const needed = Object.keys(form).filter((key) => key !== 'cosigners');
    if (tables[name].some((one) => needed.some((key) => !Object.hasOwn(one, key)))) {
      throw new Error(`a [[${name}]] of the trust policy is incomplete`);
    }
  }
  const keys = [];
  for (const entry of tables.key) {
    const key = await publicKey(entry.key);
    if (keys.some((one) => inHex(one.key.bytes) === inHex(key.bytes))) throw new Error(`the key ${key.name} stands twice`);
    if (entry.from >= entry.until) throw new Error(`the key ${key.name} would never count`);
    keys.push({ ...entry, key });
  }
  for (const { key } of tables.revoked) {
    if (!keys.some((one) => one.key.text === key)) throw new Error('a key is revoked that stands nowhere in the policy');
  }
  const roles = tables.require.map((one) => one.role);
  if (tables.require.some((one) => one.holders === 0) || new Set(roles).size < roles.length) {
    throw new Error('the trust policy requires nobody of a role, or asks for a role twice');
  }
  return { keys, revoked: tables.revoked, require: tables.require };
}

async function listedKeys(lines) {
  const trust = { keys: [], revoked: [], require: [] };
  for (const line of lines) {
    const key = await publicKey(line);
    if (trust.keys.some((one) => inHex(one.key.bytes) === inHex(key.bytes))) continue;
    const role = `holder of ${key.name}`;
    trust.keys.push({ key, holder: key.name, role, from: '0000-01-01', until: '9999-12-31' });
    if (!trust.require.some((one) => one.role === role)) trust.require.push({ role, holders: 1 });
  }
  return trust;
}
