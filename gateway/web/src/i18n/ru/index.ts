import calls from "./calls.json";
import common from "./common.json";
import live from "./live.json";
import people from "./people.json";
import phone from "./phone.json";
import setup from "./setup.json";

export default { common, live, phone, calls, people, setup };
