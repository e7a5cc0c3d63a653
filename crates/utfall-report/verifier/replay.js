// The payment, computed again from the sealed figures: every step of the recorded trace is redone
// with exact fractions, and every operand must be a figure of the run, a number that the contract
// states, or what an earlier step came to.
//
// Whether these are the steps that the contract's clauses ask for is told by `utfall verify`, which
// reads the contract; this page does not.

const DECISION = 'record/decision.json';
const FIGURES = 'record/payment-inputs.json';
const EFFECTS = 'record/effects.json';
const BALANCE = 'record/balance.json';
const CONTRACT = 'plan/contract.toml';

const FROM_FIGURES = new Set(['cross-over', 'flag', 'one-of', 'accept-estimand', 'terms-in-force']);
const CONDITIONS = new Set(['compare', 'flag', 'one-of', 'line-ended', 'all', 'any']);
const VERDICTS = new Set(['all', 'any', 'requires', 'when']);
const NOT_THE_AMOUNT = new Set(['left-under-cap', 'deadweight-fraction', 'deadweight-fixed', 'band', 'attained', 'score']);
const GAPS = new Set(['not-measurable', 'deferred']);

// What a replay found: each step with what it comes to, the amount, and every deviation.
async function replay(files) {
  const findings = [];
  const documents = {};
  for (const name of [DECISION, FIGURES, EFFECTS, BALANCE]) {
    try {
      documents[name] = readJson(files.get(name).bytes);
    } catch (error) {
      findings.push(finding(name, 'a document of the run', files.has(name) ? error.message : 'nothing', 'the payment cannot be computed again'));
    }
  }
  if (findings.length > 0) return { steps: [], total: null, findings };
  try {
    findings.push(...(await figuresFollow(files, documents)));
    const contract = new TextDecoder().decode(files.get(CONTRACT)?.bytes ?? new Uint8Array());
    const decision = documents[DECISION];
    const { steps, past } = replaySteps(decision, documents[FIGURES].inputs, statedNumbers(contract));
    findings.push(...steps.flatMap((step) => step.findings));
    findings.push(...outcomeFollows(decision, past));
    return { steps, total: decision.total.text, findings };
  } catch (error) {
    findings.push(finding(DECISION, 'a decision of a form this page knows', error.message, 'the payment cannot be computed again'));
    return { steps: [], total: null, findings };
  }
}

// The figures the contract was given are those of the effects and the balance in the bundle.
async function figuresFollow(files, documents) {
  const findings = [];
  const { inputs, 'made-from': sources } = documents[FIGURES];
  for (const name of [CONTRACT, EFFECTS, BALANCE]) {
    const found = await sha256(files.get(name)?.bytes ?? new Uint8Array());
    if (sources[name] !== found) {
      findings.push(finding(`${FIGURES}#/made-from`, sources[name], found, `the figures were not made from this ${name}`));
    }
  }
  const expected = new Map([['balance.passed', documents[BALANCE].gate.passed]]);
  for (const effect of documents[EFFECTS].effects) {
    for (const [name, value] of figuresOf(effect)) expected.set(`${effect.name}.${name}`, value);
  }
  for (const name of new Set([...expected.keys(), ...Object.keys(inputs)])) {
    const [ours, theirs] = [expected.get(name), figure(inputs[name])];
    if (!Object.is(ours ?? null, theirs)) {
      findings.push(finding(`${FIGURES}#/inputs/${name}`, `${ours ?? 'no figure'}`, `${theirs ?? 'no figure'}`, 'the contract was given another figure than the effects hold'));
    }
  }
  return findings;
}

// The figures of one effect, as they are written; null for those that could not be had.
function figuresOf({ result, grade, money, model }) {
  const estimated = result.estimated ?? (result.estimate ? result : null);
  const at = (value, ...path) => path.reduce((inner, key) => inner?.[key], value);
  const shown = (value) => (value instanceof Numeral ? value.text : typeof value === 'string' ? value : null);
  const places = {
    point: ['estimate', 'point'],
    lower: ['estimate', 'interval', 'lower'],
    upper: ['estimate', 'interval', 'upper'],
    'standard-error': ['estimate', 'standard-error'],
    'p-value': ['estimate', 'p-value'],
    'n-treated': ['estimate', 'n-treated'],
    'n-comparator': ['estimate', 'n-comparator'],
    estimand: ['estimate', 'estimand'],
    relative: ['relative'],
    total: ['total'],
    'without-one-lowest': ['without-one', 'lowest'],
    'without-one-highest': ['without-one', 'highest'],
  };
  const figures = Object.entries(places).map(([name, path]) => [name, shown(at(estimated, ...path))]);
  for (const name of ['maryland', 'wwc']) figures.push([name, estimated ? shown(at(grade, name)) : null]);
  figures.push(['pretrend-p', estimated ? shown(at(model, 'pretrend-p')) : null]);
  if (money) {
    const path = { savings: ['point'], 'savings-lower': ['interval', 'lower'], 'savings-upper': ['interval', 'upper'] };
    for (const [name, rest] of Object.entries(path)) {
      figures.push([name, estimated ? shown(at(money, 'savings', ...rest)) : null]);
    }
  }
  return figures;
}

// A figure as the contract was given it: a number's or word's text, a flag, or null.
const figure = (input) => input?.number ?? input?.text ?? input?.flag ?? null;

// Every number that stands in the contract's text, whatever it is for.
function statedNumbers(contract) {
  const texts = contract.match(/[+-]?\d[\d_]*(?:\.[\d_]+)?(?:[eE][+-]?\d+)?(?:\/\d[\d_]*)?/g) ?? [];
  const numbers = texts.map((text) => read(text.replaceAll('_', ''))).filter((number) => number !== null);
  return new Set(['0', '1', ...numbers.map(written)]);
}

function replaySteps(decision, inputs, stated) {
  const [word] = /[A-Z]{3}$/.exec(decision.total.text) ?? [''];
  const digits = decision.total.text.slice(0, -word.length).split('.')[1]?.trim() ?? '';
  const past = {
    inputs,
    stated,
    decision,
    decimals: digits.length,
    quantities: new Map(),
    subjects: new Map(),
    unaccepted: [],
  };
  const steps = decision.trace.map((step, number) => replayStep(step, number, past));
  return { steps, past };
}

function replayStep(step, number, past) {
  const [operation, argument] = typeof step.operation === 'string' ? [step.operation, null] : Object.entries(step.operation)[0];
  const [kind, name] = typeof step.subject === 'string' ? [step.subject, ''] : Object.entries(step.subject)[0];
  const key = `${kind} ${name}`;
  if (!past.subjects.has(key)) past.subjects.set(key, { verdicts: [], bands: [], metrics: [], amount: null, last: null });
  const subject = past.subjects.get(key);
  const place = `${DECISION}#/trace/${number}`;
  const findings = [];
  for (const operand of step.operands) {
    const origins = originsOf(operand, { step, operation, kind, name, subject, past });
    if (!origins.includes(operand.value)) {
      const named = operand.name === '' ? 'a number of the contract' : operand.name;
      findings.push(finding(place, origins.length > 0 ? origins.slice(-3).join(' or ') : 'something computed before', operand.value, `${named} is not what it came from`));
    }
  }
  const recorded = resultText(step.result);
  const again = redone(step, operation, argument, subject, past);
  if (again !== null && again !== recorded) {
    findings.push(finding(`${place}/result`, again, recorded, 'the step does not come to what is recorded'));
  }
  remember({ operation, kind, name, recorded, step, subject, past });
  return { kind, name, operation, operands: step.operands, recorded, again, unit: step.unit, findings };
}

function resultText(result) {
  if (typeof result === 'string') return result;
  return result.value ?? result.undecided.branch;
}

const isUndecided = (step) => typeof step.result === 'object' && 'undecided' in step.result;

// What an operand may be, by its name.
function originsOf(operand, { step, operation, kind, name, subject, past }) {
  if (FROM_FIGURES.has(operation)) {
    const given = figure(past.inputs[operand.name]);
    const unusable = [...GAPS, 'missing', 'unavailable', 'a number', 'a flag', 'a text'];
    const own = given === null ? [] : [String(given)];
    return isUndecided(step) ? [...own, ...unusable] : own;
  }
  const origins = past.hasNoTerms ? ['not-measurable'] : [];
  if (operand.name === '') return [...past.stated, ...past.quantities.values()].filter((one) => one === operand.value);
  if (past.quantities.has(operand.name)) origins.push(past.quantities.get(operand.name));
  const decided = [...past.decision.lines, ...(past.decision.groups ?? [])].find((one) => one.name === operand.name);
  if (operation === 'line-ended') origins.push(decided?.branch);
  if (operation === 'add-lines') origins.push(GAPS.has(decided?.branch) ? decided.branch : decided?.exact);
  const listed = /^(band|metric) (\d+)$/.exec(operand.name);
  if (listed) origins.push(subject[`${listed[1]}s`][Number(listed[2]) - 1]);
  if (VERDICTS.has(operation)) {
    const from = subject.verdicts.length - step.operands.length;
    origins.push(subject.verdicts[from + step.operands.indexOf(operand)]);
  }
  if (operand.name.endsWith('after deadweight')) origins.push(subject.deadweight);
  if (['amount', 'rate', 'score', 'part', 'left under the cap'].includes(operand.name)) {
    origins.push(operand.name === 'amount' ? subject.amount : subject.last);
    if (operand.name === 'amount' && subject.isFallback) origins.push(...past.stated, ...past.quantities.values());
  }
  if (kind === 'payer' || operation === 'unpaid') origins.push(...ofPayers(operand.name, name, step, past));
  return origins.filter((origin) => origin !== undefined && origin !== null);
}

// What the steps about payers take up: the total, what cutting left over, what lies beyond caps.
function ofPayers(operand, payer, step, past) {
  const total = past.subjects.get('total ')?.amount;
  const all = past.decision.payers.map((one) => past.subjects.get(`payer ${one.name}`));
  const known = all.filter((one) => one?.share !== undefined);
  const left = () => total && written(minus(read(total), sum(known.map((one) => read(one.share)))));
  const beyond = () => sum(known.map((one) => minus(read(one.beyond ?? '0'), read(one.taken ?? '0'))));
  const value = read(step.operands.find((one) => one.name === operand).value);
  switch (operand) {
    case 'total':
      return GAPS.has(past.decision.branch) ? ['0'] : [total];
    case 'left over': {
      const whole = left();
      const isUnit = whole && value && compared(times(value, value), times(read(whole), read(whole))) <= 0;
      return isUnit ? [whole, written(value)] : [whole];
    }
    case 'beyond caps':
      return [written(beyond())];
    case 'beyond the caps of others':
      return value && compared(value, beyond()) <= 0 ? [written(value)] : [];
    case 'cap': {
      const cuts = [...past.stated, ...past.quantities.values()].map(read).filter((one) => one !== null);
      return cuts.map((one) => written(greatest([ZERO, rounded(one, past.decimals, 'floor')])));
    }
    default:
      return [];
  }
}

// Beyond what the evaluator carries as money; it then leaves a step undecided.
const isTooLarge = (value) => typeof value === 'object' && [value.over, value.under].some((part) => part >= 2n ** 120n || part <= -(2n ** 120n));

// What a step comes to, as text; null where nothing can be redone.
function redone(step, operation, argument, subject, past) {
  const texts = step.operands.map((operand) => operand.value);
  const gapOf = (values) => ['not-measurable', 'deferred'].find((gap) => values.includes(gap)) ?? null;
  const hasNone = isUndecided(step);
  switch (operation) {
    case 'accept-estimand':
      return argument.includes(texts[0]) ? 'met' : resultText(step.result) === 'met' ? 'not-measurable' : null;
    case 'terms-in-force':
      return null;
    case 'flag':
      return ['true', 'false'].includes(texts[0]) ? whether(texts[0] === String(argument)) : gapOf(texts);
    case 'one-of':
      return hasNone ? null : whether(argument.includes(texts[0]));
    case 'line-ended':
      return hasNone && GAPS.has(texts[0]) && !GAPS.has(argument) ? texts[0] : whether(texts[0] === argument);
    case 'all':
      return texts.includes('not-met') ? 'not-met' : (gapOf(texts) ?? 'met');
    case 'any':
      return texts.includes('met') ? 'met' : (gapOf(texts) ?? 'not-met');
    case 'requires':
      return texts[0] === 'not-met' ? 'not-measurable' : texts[0];
    case 'when':
      return texts[0];
    case 'first-available':
      return texts.find((text) => text !== 'not-measurable') ?? 'not-measurable';
    case 'cross-over': {
      const owner = texts.length === 1 ? step.operands[0].name.replace(/\.[^.]*$/, '') : '';
      if (past.unaccepted.includes(owner) || read(texts[0]) === null) return hasNone ? null : 'not-measurable';
      break;
    }
    case 'add-lines':
      return written(sum(texts.filter((text) => !GAPS.has(text)).map(read)));
    default:
  }
  const redo = OPERATIONS[operation];
  if (!redo) throw new Error(`the operation ${operation}`);
  const gap = gapOf(texts);
  if (gap !== null) return gap;
  const isDecided = past.decision.lines.every((line) => !GAPS.has(line.branch));
  const result = read(resultText(step.result));
  if (operation === 'constant' && result && !past.stated.has(written(result))) return null;
  const value = redo(texts.map(read), argument, { decimals: past.decimals, isDecided, result });
  if (operation === 'enough' && value === 'not-met') {
    return { 'not-measurable': 'not-measurable', deferred: 'deferred' }[argument] ?? 'not-met';
  }
  if (value === null || (hasNone && isTooLarge(value))) return hasNone ? null : 'no value';
  return typeof value === 'string' ? value : written(value);
}

// Keeps what later steps may take up.
function remember({ operation, kind, name, recorded, step, subject, past }) {
  if (operation === 'terms-in-force') past.hasNoTerms = GAPS.has(recorded);
  if (kind === 'quantity') past.quantities.set(name, recorded);
  if (kind === 'effect' && GAPS.has(recorded)) past.unaccepted.push(name);
  if (operation === 'enough') {
    subject.isFallback = recorded === 'not-met' && step.operation.enough === 'amount';
  }
  if (operation === 'enough' && recorded === 'met') return;
  if (operation === 'band') subject.bands.push(recorded);
  if (operation === 'attained') subject.metrics.push(recorded);
  if (operation.startsWith('deadweight')) subject.deadweight = recorded;
  if (VERDICTS.has(operation)) subject.verdicts.splice(-step.operands.length);
  if (CONDITIONS.has(operation)) subject.verdicts.push(recorded);
  if (operation === 'when') subject.isShut = recorded === 'not-met';
  if (operation === 'payer-share') subject.share = recorded;
  if (operation === 'payer-cap') subject.beyond = written(minus(read(step.operands[0].value), read(recorded)));
  if (operation === 'payer-takes-over') subject.taken = step.operands[1].value;
  const isGap = GAPS.has(recorded);
  if (isGap && !CONDITIONS.has(operation)) subject.gap = recorded;
  if (typeof step.result === 'object') {
    subject.last = recorded;
    if (!NOT_THE_AMOUNT.has(operation) && !isGap) subject.amount = recorded;
  }
}

// Lines, groups, payers and total are what their last steps came to.
function outcomeFollows(decision, past) {
  const findings = [];
  const money = (amount) => {
    const digits = amount.text.replace(/ [A-Z]{3}$/, '').replaceAll(' ', '');
    const decimals = digits.split('.')[1]?.length ?? 0;
    const value = read(digits);
    const isSame = value && compared(value, fraction(BigInt(amount['minor-units']), 10n ** BigInt(decimals))) === 0;
    return isSame ? written(value) : 'a text that differs from its minor units';
  };
  const check = (place, expected, found, message) => {
    if (expected !== found) findings.push(finding(`${DECISION}#/${place}`, expected, found, message));
  };
  const came = (key, found) => {
    const of = past.subjects.get(key);
    if (!of || of.isShut || of.gap) return '0';
    if (of.amount === null && of.isFallback) {
      // No step tells the amount that a line pays when there are too few units.
      const could = past.stated.has(found) || [...past.quantities.values()].includes(found);
      return could ? found : 'an amount of the contract';
    }
    return of.amount ?? '0';
  };
  decision.lines.forEach((line, index) => {
    check(`lines/${index}/exact`, came(`line ${line.name}`, line.exact), line.exact, 'the line does not pay what its steps come to');
    if (line.amount) check(`lines/${index}/amount`, line.exact, money(line.amount), 'the amount is not the exact one');
  });
  (decision.groups ?? []).forEach((group, index) => {
    check(`groups/${index}/exact`, came(`group ${group.name}`), group.exact, 'the group does not pay what its steps come to');
  });
  const total = GAPS.has(decision.branch) ? '0' : came('total ');
  check('total', total, money(decision.total), 'the total is not what the steps come to');
  const parts = decision.payers.map((payer, index) => {
    const part = money(payer.amount);
    check(`payers/${index}/amount`, came(`payer ${payer.name}`), part, 'the payer does not bear what the steps come to');
    return read(part) ?? ZERO;
  });
  if (parts.length > 0) check('payers', money(decision.total), written(sum(parts)), 'the parts do not add up to the total');
  return findings;
}
