import type { Industry } from './industry.ts';
import { construction } from './library/construction.ts';
import { general } from './library/general.ts';
import { healthcare } from './library/healthcare.ts';
import { hospitality } from './library/hospitality.ts';
import { logistics } from './library/logistics.ts';
import { manufacturing } from './library/manufacturing.ts';
import { professionalServices } from './library/professional-services.ts';
import { retail } from './library/retail.ts';

/** The seven industries. Where two are equally likely, the one that stands first here is taken. */
export const industries: readonly Industry[] = [
  retail,
  manufacturing,
  construction,
  healthcare,
  hospitality,
  logistics,
  professionalServices,
];

/** For those of whom nothing is known. */
export { general };
