// Package twilio reads the call log of Twilio Programmable Voice.
//
// A call through a call centre is several records there: the caller's leg, and one
// leg for each agent that was dialled. The caller's leg becomes the call, with who
// answered, after how long and for how long, from the others; each dialled leg
// becomes an event of the call's queue, so that nobody is hidden who let it ring.
//
// Twilio has no list of what changed. A call is written when it is made and
// completed later: its end, its duration, at last its price. So the days before the
// last run are read again, three by default, and the newer version of a call
// replaces the older one.
//
// A call that is deleted, by hand or because Twilio's retention is over, is not
// marked as deleted: that it was made stays true.
package twilio
