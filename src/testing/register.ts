import type { Conformance } from './conformance.ts';
import { LAYERS } from './report.ts';

/** The functions of a test runner: jest's, or any other's with the same names. */
export interface TestRunner {
  readonly describe: (name: string, register: () => void) => void;
  readonly it: (name: string, run: () => Promise<void>) => void;
  readonly afterAll: (run: () => Promise<void>) => void;
}

/**
 * Registers a matrix with a test runner: a test for each row, by layer, then one for the coverage.
 * @param onReport gets the report once all have run, whatever came of them
 */
export function registerConformance(
  matrix: Conformance,
  { describe, it, afterAll }: TestRunner,
  onReport: (matrix: Conformance) => Promise<void> = async () => undefined,
): void {
  describe(`the conformance of ${matrix.service}`, () => {
    afterAll(async () => {
      await onReport(matrix);
      await matrix.close();
    });
    for (const layer of LAYERS) {
      const cases = matrix.cases.filter((one) => one.layer === layer);
      if (cases.length === 0) continue;
      describe(layer, () => {
        for (const { id, title, notApplicable, run } of cases) {
          it(notApplicable === undefined ? `${id}: ${title}` : `${id}: not applicable, ${notApplicable}`, run);
        }
      });
    }
    it('everything the definition says was exercised', async () => matrix.checkCoverage());
  });
}
