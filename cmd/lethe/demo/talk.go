package demo

import (
	"math/rand/v2"
	"strings"
)

// talk is a subject: lines with gaps, and what may stand in the gaps.
type talk struct {
	lines []string
	words map[string][]string
}

// line is one message: a line with its gaps filled, now and then a bare reply or two lines in one.
func (t talk) line(r *rand.Rand) string {
	if r.IntN(5) == 0 {
		return replies[r.IntN(len(replies))]
	}
	text := t.fill(r)
	if r.IntN(7) == 0 {
		text += "\n" + t.fill(r)
	}
	return text
}

func (t talk) fill(r *rand.Rand) string {
	text := t.lines[r.IntN(len(t.lines))]
	for {
		before, rest, ok := strings.Cut(text, "{")
		if !ok {
			return text
		}
		name, after, _ := strings.Cut(rest, "}")
		words := t.words[name]
		if words == nil {
			words = common[name]
		}
		text = before + words[r.IntN(len(words))] + after
	}
}

var replies = []string{
	"ok", "sure", "haha", "nice!", "sounds good", "on it", "one sec", "good point", "👍", "🎉", "thanks!", "no worries",
	"yes please", "not yet", "let me check", "why not", "same here", "brilliant", "I think so", "好的", "hmm", "great, see you then",
	"can't today, sorry", "agreed", "wait, really?", "lol", "will do", "just saw this", "+1", "done",
}

var common = map[string][]string{
	"day":  {"today", "tomorrow", "on Monday", "on Thursday", "next week", "tonight", "this weekend", "after lunch"},
	"time": {"8:30", "9", "10:15", "noon", "half past two", "4", "18:00", "about seven"},
	"who":  {"Amelia", "Bruno", "Chiara", "Dmitri", "Eleni", "Farid", "Grace", "Hiroshi", "Ines", "Jonas", "李娜", "王伟"},
	"mood": {"really", "honestly", "apparently", "sadly", "luckily", "finally", "obviously"},
}

var daily = talk{
	lines: []string{
		"did you sleep at all?", "are you free {day}?", "{who} called, wants to meet {day} at {time}", "I'm {mood} tired after {thing}",
		"running late, there by {time}", "have you seen {thing}?", "forgot {thing} at home again", "the train is stuck, {mood}",
		"can you pick up {item} on the way?", "we are out of {item}", "guess who I met {day}: {who}", "what was the name of that {place}?",
		"I left the {item} on the kitchen table", "my phone died during {thing}", "raining here, how is it over there?",
		"send me the photo when you get a chance", "happy birthday to {who}! 🎂", "that {place} closes at {time}, hurry",
		"do we still need {item}?", "call me when you can", "the neighbours are having {thing} again", "I {mood} needed that laugh",
	},
	words: map[string][]string{
		"thing": {"the concert", "that documentary", "the meeting", "my umbrella", "the gym", "a party", "yoga", "the dentist", "the match"},
		"item":  {"milk", "bread", "coffee", "batteries", "keys", "tomatoes", "oat milk", "the parcel", "rice", "candles"},
		"place": {"bakery", "bookshop", "café by the river", "pharmacy", "noodle place", "cinema"},
	},
}

var trip = talk{
	lines: []string{
		"the {way} leaves at {time}", "who brings {gear}?", "trail report says {state}", "I booked {place} for {day}", "12 km, 600 m up, {mood} doable",
		"weather looks {state} {day}", "meet at the station at {time}?", "we took the wrong turn at {place} last time", "photos from {place}: coming tonight",
		"{who} can drive, two seats left", "don't forget {gear} this time", "my legs still hurt from {place}", "there is a hut near {place}, soup is great",
		"shall we start earlier? it gets hot by {time}", "tickets are {price} each", "found a shorter way past {place}", "sunrise from {place}? anyone?",
	},
	words: map[string][]string{
		"way":   {"bus", "train", "ferry", "cable car", "night train"},
		"gear":  {"the map", "sun cream", "a head torch", "the stove", "rain jackets", "enough water", "the first aid kit"},
		"state": {"dry", "muddy", "snow above 1 800", "windy", "perfect", "cloudy", "icy in the morning"},
		"place": {"Eagle Rock", "the lake", "Stone Pass", "the north ridge", "黄山", "the old mill", "Saint Anna", "the waterfall"},
		"price": {"14 €", "22 €", "38 €", "9.50", "about 100 ¥"},
	},
}

var work = talk{
	lines: []string{
		"pushed a fix for {bug}", "can someone review {part}?", "{part} is {state} on my machine", "who owns {part} now?", "demo is {day} at {time}, please rehearse",
		"the customer asked about {part} again", "CI is {state}, looking into it", "I moved the {bug} ticket to next sprint", "new mock-ups for {part} are in the folder",
		"{who} found {bug} in production", "rollback done, {part} is {state}", "let's cut the release {day}", "notes from the call: ship {part}, drop the rest",
		"the build takes {n} minutes now", "coverage went up to {n} %", "I don't think {bug} is a blocker", "could we rename {part}? nobody understands it",
		"numbers for {part}: {n} ms at the 95th percentile", "will write the changelog {day}", "standup moved to {time}", "please don't merge before {time}",
	},
	words: map[string][]string{
		"bug":   {"the login loop", "the flickering list", "a race in sync", "the off-by-one in paging", "the memory leak", "the broken dark mode", "that time zone bug"},
		"part":  {"onboarding", "the settings page", "search", "the export job", "billing", "the message list", "push notifications", "the icon set"},
		"state": {"green", "red again", "flaky", "fine", "slow", "half done", "much faster"},
		"n":     {"7", "12", "38", "61", "74", "88", "120", "240"},
	},
}

var food = talk{
	lines: []string{
		"{dish} {day}?", "the new place near the office has {dish}", "table for {n} at {time}, I booked", "who wants {dish}?", "I made {dish}, there is plenty",
		"今天吃{菜}怎么样?", "{菜}太好吃了!", "queue is out the door, try {time}", "vegetarian option: {dish}", "{who} is allergic to peanuts, remember",
		"recipe for {dish}: more garlic than you think", "bill was {n} each, pay me whenever", "明天一起去吃{菜}吧",
	},
	words: map[string][]string{
		"dish": {"dumplings", "pho", "lasagne", "ramen", "falafel", "green curry", "mapo tofu", "tacos", "that lentil soup"},
		"菜":    {"火锅", "饺子", "麻婆豆腐", "小笼包", "牛肉面", "宫保鸡丁"},
		"n":    {"4", "6", "8", "11", "14"},
	},
}

var chinese = talk{
	lines: []string{
		"你{时}有空吗?", "我{时}到家", "文件我发你了,看一下", "{事}改到{时}了", "路上堵车,晚十分钟", "谢谢你帮我{做}", "照片拍得真好", "别忘了{做}",
		"周末去{地}怎么样?", "收到,马上处理", "哈哈哈哈", "早点休息", "{地}下雨了,带伞", "能不能帮我{做}?", "see you {时}", "{事}顺利吗?", "没问题,交给我",
	},
	words: map[string][]string{
		"时": {"今晚", "明天", "下午三点", "周五", "下周", "八点"},
		"事": {"会议", "面试", "演出", "考试", "培训"},
		"做": {"订票", "取快递", "买牛奶", "改一下标题", "喂猫", "打印合同"},
		"地": {"西湖", "公园", "图书馆", "外滩", "老城"},
	},
}

var notices = []string{
	"Welcome to Lethe. These chats are invented: delete what you like.",
	"Your account was used on a new device. If that was not you, change your password.",
	"Scheduled maintenance on Sunday from 02:00 to 02:30. Messages are delivered afterwards.",
	"New: select several messages and delete them everywhere at once.",
}
