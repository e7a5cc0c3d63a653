// What each operation of a decision's trace comes to, redone from its operands.
//
// A function takes the operands as fractions and what the operation states, and returns a fraction,
// `met` or `not-met`; `null` where the operation leaves its step undecided.

const COMPARISONS = {
  '>=': (order) => order >= 0,
  '>': (order) => order > 0,
  '<=': (order) => order <= 0,
  '<': (order) => order < 0,
  '=': (order) => order === 0,
};

const whether = (holds) => (holds ? 'met' : 'not-met');

// The part of [0, value] inside a band, or of [value, 0] as a negative number.
function inside(value, from, to) {
  const negative = compared(value, ZERO) < 0;
  let [low, high] = negative ? [value, ZERO] : [ZERO, value];
  low = greatest([low, from]);
  if (to) high = least([high, to]);
  const length = compared(high, low) > 0 ? minus(high, low) : ZERO;
  return negative ? minus(ZERO, length) : length;
}

// On the straight line through two points.
function between([place, fromAt, from, toAt, to]) {
  if (compared(fromAt, toAt) === 0) return to;
  const slope = divided(minus(to, from), minus(toAt, fromAt));
  return plus(from, times(slope, minus(place, fromAt)));
}

// P-values adjusted for there being several, as Bonferroni, Holm, Hochberg, and Benjamini and Hochberg do.
function adjusted(p, all, rule) {
  if (all.some((one) => compared(one, ZERO) < 0 || compared(one, ONE) > 0)) return null;
  const sorted = [...all].sort(compared);
  const n = sorted.length;
  const upTo = sorted.filter((one) => compared(one, p) <= 0).length;
  const below = sorted.filter((one) => compared(one, p) < 0).length;
  const whole = (number) => fraction(BigInt(number));
  const scaled = sorted.map((one, place) => times(one, whole(n - place)));
  const found = {
    none: () => p,
    bonferroni: () => times(p, whole(n)),
    holm: () => greatest(scaled.slice(0, Math.min(below, n - 1) + 1)),
    hochberg: () => least(scaled.slice(Math.max(upTo - 1, 0))),
    'benjamini-hochberg': () =>
      least(sorted.map((one, place) => divided(times(one, whole(n)), whole(place + 1))).slice(Math.max(upTo - 1, 0))),
  }[rule]();
  return least([found, ONE]);
}

// Φ(z) = ½ + φ(0) Σ (−1)ᵏ z²ᵏ⁺¹ / (2ᵏ k! (2k+1)) in whole numbers of eighty decimals (Abramowitz &
// Stegun 1964, 26.2.10), as the contract language defines it.
function normal(z) {
  const far = fraction(12n);
  if (compared(z, far) > 0) return ONE;
  if (compared(z, minus(ZERO, far)) < 0) return ZERO;
  const scale = 10n ** 80n;
  const scaled = rounded(times(z, fraction(scale)), 0, 'half-up').over;
  const square = (scaled * scaled) / scale;
  let [power, total] = [scaled, 0n];
  for (let k = 1n; power !== 0n; k += 1n) {
    total += power / (2n * k - 1n);
    power = -((power * square) / scale) / (2n * k);
  }
  const density = 39894228040143267793994605993438186847585863116493465766592582967065792589930184n;
  return fraction(scale / 2n + (total * density) / scale, scale);
}

function compound([of, rate, periods]) {
  if (periods.under !== 1n || periods.over < 0n || periods.over > 600n) return null;
  let value = of;
  for (let period = 0n; period < periods.over; period += 1n) value = times(value, plus(ONE, rate));
  return value;
}

const OPERATIONS = {
  constant: (_, __, { result }) => result,
  difference: ([of, less]) => minus(of, less),
  sum: (all) => sum(all),
  product: (all) => all.reduce(times, ONE),
  ratio: ([of, to]) => divided(of, to),
  'relative-reduction': ([from, to]) => divided(minus(from, to), from),
  'share-of': ([of, share]) => times(of, share),
  minimum: least,
  maximum: greatest,
  'adjusted-p': ([p, ...all], rule) => adjusted(p, all, rule),
  'probability-above': ([point, error, threshold], { decimals, rounding }) =>
    compared(error, ZERO) > 0 ? rounded(normal(divided(minus(point, threshold), error)), decimals, rounding) : null,
  compound,
  round: ([of], { decimals, rounding }) => rounded(of, decimals, rounding),
  'cross-over': ([of], { sign, decimals, rounding }) =>
    rounded(sign === 'flip' ? minus(ZERO, of) : of, decimals, rounding),
  compare: ([left, right], operator) => whether(COMPARISONS[operator](compared(left, right))),
  enough: ([n, least_]) => whether(compared(n, least_) >= 0),
  'deadweight-fraction': ([of, part]) => minus(of, times(of, part)),
  'deadweight-fixed': ([of, part]) => minus(of, part),
  fixed: ([amount]) => amount,
  band: (all) => {
    const share = all[all.length - 1];
    return times(inside(all[0], all[1], all.length === 4 ? all[2] : null), share);
  },
  bands: (all) => sum(all),
  'highest-step': ([of, threshold, amount], operator) => {
    if (threshold === undefined) return ZERO;
    return COMPARISONS[operator](compared(of, threshold)) ? amount : null;
  },
  'per-unit': ([units, price]) => times(units, price),
  piecewise: (all) => (all.length === 1 ? ZERO : all.length === 3 ? all[2] : between(all)),
  'rate-on': ([rate, base]) => times(rate, base),
  attained: ([of, from, to]) => least([ONE, greatest([ZERO, divided(minus(of, from), minus(to, from))])]),
  score: (all) => sum(all.filter((_, index) => index % 2 === 0).map((metric, index) => times(metric, all[2 * index + 1]))),
  'part-of-pool': ([pool, part]) => times(pool, part),
  'nothing-below-zero': ([amount]) => greatest([ZERO, amount]),
  floor: ([amount, floor], _, { decimals }) => greatest([amount, rounded(floor, decimals, 'ceiling')]),
  cap: ([amount, cap], _, { decimals }) => least([amount, rounded(cap, decimals, 'floor')]),
  'floor-per': ([amount, floor, n], _, { decimals }) => greatest([amount, rounded(times(floor, n), decimals, 'ceiling')]),
  'cap-per': ([amount, cap, n], _, { decimals }) => least([amount, rounded(times(cap, n), decimals, 'floor')]),
  'left-under-cap': ([cap, before]) => (compared(before, ZERO) < 0 ? null : greatest([ZERO, minus(cap, before)])),
  'add-lines': (all) => sum(all),
  'set-off': ([amount, paid], excess, { isDecided, decimals }) => {
    const isWhole = compared(rounded(paid, decimals, 'floor'), paid) === 0;
    if (compared(paid, ZERO) < 0 || !isWhole) return null;
    const left = minus(amount, paid);
    const isKept = compared(left, ZERO) < 0 && (excess === 'kept' || !isDecided);
    return isKept ? least([ZERO, amount]) : left;
  },
  'payer-share': ([total, share], _, { decimals }) => rounded(times(total, share), decimals, 'toward-zero'),
  'payer-remainder': ([part, left]) => plus(part, left),
  'payer-cap': ([part, cap]) => least([part, cap]),
  'payer-takes-over': ([part, taken]) => plus(part, taken),
  unpaid: ([total, beyond]) => minus(total, beyond),
};
