// What the reader sees: choose a bundle, say whom you trust, read the outcome.

const byId = (id) => document.getElementById(id);

function element(tag, content, attributes = {}) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...[content].flat());
  return made;
}

function table(caption, head, rows) {
  const cells = (tag, texts) => element('tr', texts.map((text) => element(tag, text)));
  const made = element('table', [
    element('caption', caption),
    element('thead', cells('th', head)),
    element('tbody', rows.map((row) => cells('td', row))),
  ]);
  return element('div', made, { class: 'table', tabindex: '0', role: 'region', 'aria-label': caption });
}

// The report in a bundle says the amount of its decision, and is this page if this page is a report.
function reportFollows(files, replayed, page, findings) {
  const file = files.get('report.html');
  if (!file) return null;
  const sealed = new DOMParser().parseFromString(new TextDecoder().decode(file.bytes), 'text/html');
  const told = sealed.querySelector('.decision .amount')?.textContent ?? '';
  const digits = (text) => read(text.replace(/[^\d.−-]/g, '').replace('−', '-'));
  const [shown, decided] = [digits(told), digits(replayed.total ?? '')];
  if (decided && !(shown && compared(shown, decided) === 0)) {
    findings.push(finding('report.html', replayed.total, told.trim(), 'the report tells another amount than the decision'));
  }
  if (page === null) return false;
  if (sealed.documentElement.outerHTML !== page) {
    findings.push(finding('this page', 'the report sealed in the bundle', 'another', 'the report you are reading is not the one in this bundle'));
  }
  return true;
}

async function check(zip, trustText, day, page) {
  const { files, findings, seal } = await inspect(zip);
  const outcome = { seal, findings, levels: [], signers: [], steps: [], total: null };
  const level = (name, said) => outcome.levels.push([name, said]);
  const passed = (from) => (findings.length > from ? 'FAILED' : 'passed');
  level('Every file is the one sealed', passed(0));
  if (!files) return outcome;

  let from = findings.length;
  const trust = await readTrust(trustText);
  const canCheck = await hasEd25519();
  const isAsked = trust.keys.length > 0;
  const found = canCheck ? await signatures(files, findings) : [];
  const { signers, requirements } = standing(found, trust, day);
  outcome.signers = signers;
  if (isAsked && canCheck) {
    if (requirements.length === 0) {
      findings.push(finding('whom you trust', 'a [[require]] of some role', 'none', 'nobody’s signature is asked for, so nobody’s can be missing'));
    }
    for (const { role, holders, names, isMet } of requirements) {
      if (!isMet) findings.push(finding(ENVELOPE, `${holders} signing as ${role}`, names.join(', ') || 'nobody', `too few have signed as ${role}`));
    }
  }
  outcome.isUntold = isAsked && !canCheck;
  const unchecked = canCheck ? 'not asked: you have not said whom you trust' : 'NOT CHECKED: this browser’s Web Crypto has no Ed25519';
  level('Those you trust have signed', findings.length > from || (isAsked && canCheck) ? passed(from) : unchecked);

  from = findings.length;
  const replayed = await replay(files);
  Object.assign(outcome, { steps: replayed.steps, total: replayed.total });
  findings.push(...replayed.findings);
  level('The payment follows, step by step, from the sealed figures', passed(from));

  from = findings.length;
  const isThisPage = reportFollows(files, replayed, page, findings);
  if (isThisPage !== null) {
    level(isThisPage ? 'This page is the report that was sealed' : 'The sealed report tells the decided amount', passed(from));
  }
  outcome.isAsked = isAsked;
  outcome.hasProofs = PROOFS.some((name) => files.has(name));
  return outcome;
}

const wasDone = ({ name, operation, operands }) => {
  const shown = operands.map((one) => (one.name === '' ? one.value : `${one.name} ${one.value}`)).join(', ');
  return `${name === '' ? 'total' : name}: ${operation.replaceAll('-', ' ')} ${shown}`;
};

function show(outcome) {
  const { findings, levels, signers, steps, seal, total } = outcome;
  const parts = [];
  const verdict = findings.length > 0
    ? 'Refused. This bundle is not to be relied on.'
    : outcome.isUntold
      ? 'Not decided. All else is as it should be, but this browser cannot check signatures.'
      : outcome.isAsked
        ? `Accepted. ${total} follows from what was sealed, and those you asked for have signed.`
        : `Intact. ${total} follows from what was sealed. You have not said whom you trust, so this does not tell who made it.`;
  parts.push(element('p', verdict, { class: findings.length > 0 ? 'verdict refused' : 'verdict', id: 'verdict' }));
  if (findings.length > 0) {
    const items = findings.slice(0, 20).map((one) => element('li', [
      element('strong', `${one.place}: ${one.message}`),
      `expected ${one.expected}; found ${one.found}`,
    ]));
    parts.push(element('ul', items, { class: 'warnings', id: 'findings' }));
    if (findings.length > 20) parts.push(element('p', `and ${findings.length - 20} more`));
  }
  parts.push(table('What was checked', ['Check', 'Outcome'], levels));
  if (signers.length > 0) {
    const rows = signers.map((one) => [one.holder ?? one.name, one.role ?? '', one.reason === null ? 'counts' : `does not count: ${one.reason}`]);
    parts.push(table('Who signed', ['Signed by', 'As', 'Standing'], rows));
  }
  if (steps.length > 0) {
    const rows = steps.map((step) => [wasDone(step), step.recorded, step.again ?? 'read, not computed']);
    parts.push(element('details', [
      element('summary', `The ${steps.length} steps of the payment, recorded and computed again`),
      table('Steps of the payment', ['Step', 'Recorded', 'Computed here'], rows),
    ]));
  }
  const beyond = [
    'that these steps are the ones the contract’s clauses ask for (utfall verify evaluates the contract itself)',
    outcome.hasProofs ? 'the proofs that the bundle stands in a ledger' : 'whether the bundle stands in a ledger',
    'that the figures follow from the data, which takes the data',
  ];
  parts.push(element('p', `Not checked here: ${beyond.join('; ')}.`, { class: 'source' }));
  if (seal) parts.push(element('p', ['Seal, to compare with one received elsewhere: ', element('code', seal)], { class: 'source' }));
  byId('verifier-result').replaceChildren(...parts);
}

function refuse(message) {
  byId('verifier-result').replaceChildren(element('p', message, { class: 'verdict refused', id: 'verdict' }));
}

document.addEventListener('DOMContentLoaded', () => {
  const panel = byId('verifier');
  const page = panel.dataset.page === 'report' ? document.documentElement.outerHTML : null;
  panel.hidden = false;
  byId('received').value = new Date().toISOString().slice(0, 10);
  if (!globalThis.crypto?.subtle) {
    refuse('This browser gives this page no Web Crypto, without which nothing can be checked. Save the page as a file and open that, or use another browser.');
    return;
  }
  let [bundle, turn] = [null, 0];
  const again = async () => {
    turn += 1;
    const mine = turn;
    if (bundle === null) {
      byId('verifier-result').replaceChildren();
      return;
    }
    try {
      const zip = new Uint8Array(await bundle.arrayBuffer());
      const outcome = await check(zip, byId('trust-text').value, byId('received').value, page);
      if (mine === turn) show(outcome);
    } catch (error) {
      if (mine === turn) refuse(`Nothing was decided: ${error.message}`);
    }
  };
  const choose = (file) => {
    bundle = file ?? null;
    again();
  };
  byId('bundle-file').addEventListener('change', (event) => choose(event.target.files[0]));
  byId('trust-file').addEventListener('change', async (event) => {
    byId('trust-text').value = (await event.target.files[0]?.text()) ?? '';
    again();
  });
  for (const id of ['trust-text', 'received']) byId(id).addEventListener('change', again);
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    choose(event.dataTransfer.files[0]);
  });
});
