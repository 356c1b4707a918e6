import { proofTests } from '../../../../test/helpers/proofs.ts';

await proofTests('wavescan');
