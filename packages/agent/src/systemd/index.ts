export { type ActivatedSockets, activatedSockets } from './activation.ts';
export { type Notify, openNotify } from './notify.ts';
export { type Supervised, type Supervision, startSupervision } from './supervision.ts';
