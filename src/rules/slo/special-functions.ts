/** Two bounds of one quantity, in its unit. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Coefficients of Lanczos' approximation with g = 7 (Godfrey 2001): 15 significant digits for x > 0.5. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;

/** Natural logarithm of the gamma function, for x ≥ 0.5. */
export function lnGamma(x: number): number {
  const z = x - 1;
  const t = z + 7.5;
  const sum = LANCZOS.reduce((total, coefficient, i) => total + (i === 0 ? coefficient : coefficient / (z + i)), 0);
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/**
 * Natural logarithm of the regularised incomplete beta function I_x(a, b), for 0 < x < 1 and a, b > 0.
 * In the lower tail the logarithm is exact where the function itself would underflow.
 */
export function lnBetaInc(x: number, a: number, b: number): number {
  const lnFront = lnGamma(a + b + 1) - lnGamma(a + 1) - lnGamma(b + 1) + a * Math.log(x) + b * Math.log1p(-x);
  const lnBoth = lnFront + Math.log(a) + Math.log(b) - Math.log(a + b);
  if (x < (a + 1) / (a + b + 2)) return lnBoth - Math.log(a) + Math.log(betaFraction(x, a, b));
  return Math.log1p(-Math.exp(lnBoth - Math.log(b) + Math.log(betaFraction(1 - x, b, a))));
}

/** The continued fraction of the incomplete beta function (DLMF 8.17.22), evaluated by Lentz' method. */
function betaFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1));
  let value = d;
  // It converges within about sqrt(max(a, b)) rounds; the limit only makes sure that it ends.
  for (let m = 1, change = 0; m < 100_000 && Math.abs(change - 1) > 1e-14; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    change = d * c;
    value *= change;
  }
  return value;
}

/**
 * Natural logarithm of the chance of at most k events in n trials of probability p. Counts may be fractions: evidence that
 * was discounted is worth fewer trials.
 */
export function lnBinomialCdf(k: number, n: number, p: number): number {
  return k >= n ? 0 : lnBetaInc(1 - p, n - k, k + 1);
}

/** The 97.5 % quantile of the normal distribution. */
const Z = 1.959963984540054;

/** Wilson's 95 % interval of a share. For display only: it holds for one look, and we look all the time. */
export function wilson(k: number, n: number): Interval {
  const share = k / n;
  const centre = share + (Z * Z) / (2 * n);
  const spread = Z * Math.sqrt((share * (1 - share)) / n + (Z * Z) / (4 * n * n));
  const scale = 1 + (Z * Z) / n;
  // Where none or all are bad the bounds are exact; computed, they would miss by a rounding error that shows.
  return { low: k === 0 ? 0 : (centre - spread) / scale, high: k === n ? 1 : (centre + spread) / scale };
}

/** The usual 95 % interval of a mean. For display only. */
export function meanInterval(mean: number, variance: number, n: number): Interval {
  const spread = Z * Math.sqrt(Math.max(0, variance) / n);
  return { low: Math.max(0, mean - spread), high: mean + spread };
}
