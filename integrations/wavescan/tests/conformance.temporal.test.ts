import { conformanceTests } from '../../../test/helpers/conformance.ts';

await conformanceTests('wavescan');
