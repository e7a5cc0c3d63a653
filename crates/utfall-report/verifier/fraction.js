// Exact fractions: two BigInts in lowest terms, the lower one above zero.

function fraction(over, under = 1n) {
  if (under === 0n) return null;
  if (under < 0n) [over, under] = [-over, -under];
  let [a, b] = [over < 0n ? -over : over, under];
  while (b !== 0n) [a, b] = [b, a % b];
  return a === 1n ? { over, under } : { over: over / a, under: under / a };
}

const ZERO = fraction(0n);
const ONE = fraction(1n);

const plus = (a, b) => fraction(a.over * b.under + b.over * a.under, a.under * b.under);
const minus = (a, b) => fraction(a.over * b.under - b.over * a.under, a.under * b.under);
const times = (a, b) => fraction(a.over * b.over, a.under * b.under);
const divided = (a, b) => fraction(a.over * b.under, a.under * b.over);
const compared = (a, b) => {
  const difference = a.over * b.under - b.over * a.under;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};
const least = (values) => values.reduce((a, b) => (compared(b, a) < 0 ? b : a));
const greatest = (values) => values.reduce((a, b) => (compared(b, a) > 0 ? b : a));
const sum = (values) => values.reduce(plus, ZERO);

// The fraction a text says, as `12.50`, `1e-7` or `13/155`; null if it says none.
function read(text) {
  const parts = /^([^/]+)\/([^/]+)$/.exec(text);
  if (parts) {
    const [over, under] = [read(parts[1]), read(parts[2])];
    return over && under ? divided(over, under) : null;
  }
  const found = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (!found || !(found[2] || found[3])) return null;
  const decimals = found[3] ?? '';
  const units = BigInt(found[2] + decimals) * (found[1] === '-' ? -1n : 1n);
  const shift = Number(found[4] ?? 0) - decimals.length;
  return shift < 0 ? fraction(units, 10n ** BigInt(-shift)) : fraction(units * 10n ** BigInt(shift));
}

// As a decision writes it: a decimal of up to forty digits where there is one, else `over/under`.
function written(value) {
  let [rest, decimals] = [value.under, 0];
  const scales = [];
  for (const prime of [2n, 5n]) {
    let count = 0;
    for (; rest % prime === 0n; rest /= prime) count += 1;
    scales.push(count);
  }
  decimals = Math.max(...scales);
  if (rest !== 1n || decimals > 40) return `${value.over}/${value.under}`;
  const units = (value.over * 10n ** BigInt(decimals)) / value.under;
  const digits = (units < 0n ? -units : units).toString().padStart(decimals + 1, '0');
  const cut = digits.length - decimals;
  const sign = units < 0n ? '-' : '';
  return sign + digits.slice(0, cut) + (decimals > 0 ? `.${digits.slice(cut)}` : '');
}

// A value with so many decimals, rounded by one of the seven modes a contract may name.
function rounded(value, decimals, mode) {
  const scale = 10n ** BigInt(decimals);
  const over = value.over * scale;
  const negative = over < 0n;
  let [below, rest] = [over / value.under, over % value.under];
  if (rest < 0n) [below, rest] = [below - 1n, rest + value.under];
  if (rest === 0n) return fraction(below, scale);
  const twice = rest * 2n;
  const half = {
    'half-up': !negative,
    'half-down': negative,
    'half-even': below % 2n !== 0n,
  };
  const up = {
    floor: false,
    ceiling: true,
    'toward-zero': negative,
    'away-from-zero': !negative,
  };
  const goesUp = mode in up ? up[mode] : twice === value.under ? half[mode] : twice > value.under;
  return fraction(goesUp ? below + 1n : below, scale);
}
