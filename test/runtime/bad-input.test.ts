// What a caller without types may hand in. Each is refused with a code, the field and what is expected, and leaves the
// store as it is.

import "./bad-input/keys.js";
import "./bad-input/data.js";
import "./bad-input/advice.js";
import "./bad-input/messages.js";
import "./bad-input/options.js";
import "./bad-input/option-names.js";
import "./bad-input/interfaces.js";
import "./bad-input/tasks.js";
import "./bad-input/bytes.js";
import "./bad-input/hashes.js";
import "./bad-input/anything.js";
import "./bad-input/urls.js";
import "./bad-input/adapters.js";
