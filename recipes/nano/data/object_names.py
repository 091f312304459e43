"""Which things the picture sets show and what they are called: the kinds, and the names where the sets' own would sound odd.

    EMOJI[kind] = "label of the set, label=name, label=name:中文"      STAMPS[kind] = "caption of a stamp=name:中文"

A thing is left out when its drawings differ from set to set, when people would not agree on its name, or when it is a whole landscape.
"""

from __future__ import annotations

EMOJI: dict[str, str] = {
    "mammal": (
        "monkey face=monkey:猴子, monkey, gorilla, orangutan:红毛猩猩, dog face=dog:狗, dog, poodle, wolf, fox, raccoon, "
        "cat face=cat:猫, cat, black cat, lion, tiger face=tiger:老虎, tiger, leopard, horse face=horse:马, moose, donkey, "
        "horse, unicorn, zebra, deer, bison=bison:野牛, cow face=cow:奶牛, ox=ox:公牛, water buffalo, cow, pig face=pig:猪, "
        "pig, boar, ram=ram:公羊, ewe=sheep:绵羊, goat, camel, two-hump camel=camel:骆驼, llama=llama:羊驼, giraffe, elephant, "
        "mammoth=mammoth:猛犸象, rhinoceros, hippopotamus, mouse face=mouse:老鼠, mouse, hamster, rabbit face=rabbit:兔子, "
        "rabbit, chipmunk=chipmunk:花栗鼠, beaver, hedgehog, bat, bear, polar bear, koala, panda, sloth, otter, skunk, "
        "kangaroo, badger"
    ),
    "bird": (
        "turkey, chicken, rooster, hatching chick=chick:小鸡, baby chick=chick:小鸡, front-facing baby chick=chick:小鸡, bird, "
        "penguin, dove=dove:鸽子, eagle=eagle:老鹰, duck, swan, owl, dodo, flamingo, peacock, parrot, "
        "black bird=black bird:黑鸟, goose"
    ),
    "reptile": (
        "crocodile, turtle=turtle:乌龟, lizard=lizard:蜥蜴, snake, dragon face=dragon:龙, dragon, sauropod=dinosaur:恐龙, T-Rex, frog"
    ),
    "sea animal": (
        "spouting whale=whale:鲸鱼, whale, dolphin, seal, fish, tropical fish, blowfish, shark, octopus, jellyfish, "
        "crab=crab:螃蟹, lobster, shrimp, squid=squid:鱿鱼"
    ),
    "insect": (
        "snail, butterfly, bug=caterpillar:毛毛虫, ant, honeybee=bee:蜜蜂, beetle, lady beetle=ladybug:瓢虫, "
        "cricket=cricket:蟋蟀, cockroach, spider, scorpion, mosquito, fly, worm=worm:虫子"
    ),
    "flower": "bouquet=bouquet:花束, cherry blossom, lotus=lotus:荷花, rose, hibiscus, sunflower, tulip, hyacinth",
    "plant": (
        "seedling, potted plant, evergreen tree=pine tree:松树, deciduous tree=tree:树, palm tree, cactus, four leaf clover, "
        "maple leaf, fallen leaf, nest with eggs=nest with eggs:有蛋的鸟巢, empty nest=nest:鸟巢, mushroom"
    ),
    "fruit": (
        "grapes, melon, watermelon, tangerine, lemon, lime, banana, pineapple, mango, red apple, green apple, pear, peach, "
        "cherries, strawberry, blueberries, kiwi fruit=kiwi:猕猴桃, coconut"
    ),
    "vegetable": (
        "tomato, olive, avocado=avocado:牛油果, eggplant, potato, carrot, ear of corn, hot pepper=chili pepper:辣椒, "
        "bell pepper=bell pepper:甜椒, cucumber, broccoli, garlic=head of garlic:大蒜, onion, peanuts, chestnut=chestnut:栗子, "
        "pea pod=pea pod:豌豆"
    ),
    "food": (
        "bread, croissant=croissant:牛角面包, baguette bread=baguette:法棍面包, pretzel=pretzel:椒盐卷饼, bagel=bagel:贝果, "
        "pancakes=pancakes:薄煎饼, waffle, cheese wedge=piece of cheese:奶酪, poultry leg=chicken leg:鸡腿, bacon, hamburger, "
        "french fries, pizza=slice of pizza:披萨, hot dog, sandwich, taco=taco:墨西哥卷饼, egg=egg:鸡蛋, "
        "cooking=fried egg:煎蛋, green salad=bowl of salad:沙拉, popcorn=popcorn:爆米花, butter, bento box, rice ball, "
        "cooked rice=bowl of rice:米饭, steaming bowl=bowl of noodles:面条, spaghetti=plate of spaghetti:意大利面, "
        "roasted sweet potato=sweet potato:红薯, sushi=piece of sushi:寿司, fried shrimp=fried shrimp:炸虾, moon cake, "
        "dumpling, fortune cookie, takeout box, soft ice cream=ice cream:冰淇淋, shaved ice, "
        "ice cream=bowl of ice cream:一碗冰淇淋, doughnut, cookie, birthday cake, shortcake=slice of cake:蛋糕, cupcake, "
        "pie=pie:馅饼, chocolate bar, candy=candy:糖果, lollipop, honey pot=pot of honey:蜂蜜"
    ),
    "drink": (
        "baby bottle, glass of milk=glass of milk:牛奶, hot beverage=cup of coffee:咖啡, teapot, "
        "wine glass=glass of wine:葡萄酒, cocktail glass=cocktail:鸡尾酒, beer mug=mug of beer:啤酒, "
        "cup with straw=cup with a straw:带吸管的杯子, bubble tea, beverage box=juice box:果汁盒, ice=ice cube:冰块"
    ),
    "building": (
        "hut, house, office building=office building:办公楼, hospital, school, factory, castle=castle:城堡, church, mosque, "
        "fountain, tent, ferris wheel, roller coaster, circus tent=circus tent:马戏团帐篷, Statue of Liberty, volcano, "
        "stadium=stadium:体育场"
    ),
    "vehicle": (
        "locomotive=steam train:蒸汽火车, train, tram=tram:有轨电车, bus, oncoming bus=bus:公交车, ambulance, "
        "fire engine=fire truck:消防车, police car, oncoming police car=police car:警车, taxi, oncoming taxi=taxi:出租车, "
        "automobile=car:汽车, oncoming automobile=car:汽车, sport utility vehicle=car:汽车, pickup truck=pickup truck:皮卡, "
        "delivery truck=truck:卡车, articulated lorry=truck:卡车, tractor, racing car, motorcycle, "
        "motor scooter=scooter:踏板摩托车, bicycle"
    ),
    "ship": "sailboat, canoe, speedboat, ship=ship:轮船",
    "aircraft": "airplane, helicopter, rocket=rocket:火箭, flying saucer=flying saucer:飞碟, satellite",
    "thing": (
        "kick scooter, skateboard=skateboard:滑板, roller skate=roller skate:旱冰鞋, manual wheelchair=wheelchair:轮椅, "
        "fuel pump=gas pump:加油机, wheel, horizontal traffic light=traffic light:红绿灯, "
        "vertical traffic light=traffic light:红绿灯, stop sign, construction=roadblock:路障, anchor, "
        "ring buoy=life ring:救生圈, parachute, seat=seat:座椅, bellhop bell=service bell:服务铃, luggage=suitcase:行李箱, "
        "crescent moon, full moon=full moon:满月, sun, sun with face=sun:太阳, ringed planet=planet with a ring:带光环的行星, "
        "cloud, cloud with rain=rain cloud:雨云, rainbow, closed umbrella=closed umbrella:收起的伞, umbrella=umbrella:雨伞, "
        "umbrella with rain drops=umbrella:雨伞, tornado, snowflake, snowman=snowman:雪人, snowman without snow=snowman:雪人, comet, "
        "fire=fire:火, droplet=water drop:水滴, thermometer, high voltage=lightning bolt:闪电, ghost=ghost:幽灵, alien, robot, "
        "clown face=clown:小丑, jack-o-lantern, Christmas tree, firecracker, balloon, party popper=party popper:礼花筒, "
        "ribbon=bow:蝴蝶结, wrapped gift=gift:礼物, red envelope, wind chime, trophy, sports medal=medal:奖牌, "
        "1st place medal=gold medal:金牌, 2nd place medal=silver medal:银牌, 3rd place medal=bronze medal:铜牌, soccer ball, "
        "baseball, basketball, volleyball, american football=American football:美式橄榄球, flying disc=frisbee:飞盘, "
        "boxing glove, goal net=goal:球门, ice skate=ice skate:冰鞋, fishing pole=fishing rod:鱼竿, "
        "diving mask=diving mask:潜水镜, skis=skis:滑雪板, sled, curling stone, bullseye=dartboard:飞镖靶, yo-yo, kite, "
        "water pistol, pool 8 ball=billiard ball:台球, crystal ball, magic wand=magic wand:魔法棒, "
        "video game=game controller:游戏手柄, joystick=joystick:摇杆, slot machine, game die=dice:骰子, puzzle piece, "
        "teddy bear, mirror ball=disco ball:迪斯科球, chess pawn=chess pawn:国际象棋的兵, artist palette=palette:调色板, "
        "thread=spool of thread:线轴, yarn=ball of yarn:毛线球, basket=basket:篮子, shopping cart, bomb"
    ),
    "clothes": (
        "glasses, sunglasses, goggles, lab coat, necktie=tie:领带, t-shirt=T-shirt:T恤, jeans, scarf, gloves, coat, socks, "
        "dress, kimono, one-piece swimsuit=swimsuit:泳衣, shorts, folding hand fan=folding fan:折扇, purse, handbag, backpack, "
        "thong sandal=flip-flop:人字拖, man’s shoe=leather shoe:皮鞋, running shoe, hiking boot, "
        "high-heeled shoe=high-heeled shoe:高跟鞋, woman’s sandal=sandal:凉鞋, ballet shoes=ballet shoes:芭蕾舞鞋, "
        "woman’s boot=boot:靴子, crown, woman’s hat=hat:帽子, top hat, graduation cap=graduation cap:学士帽, "
        "billed cap=cap:鸭舌帽, military helmet=helmet:头盔, rescue worker’s helmet=helmet:头盔, lipstick=lipstick:口红, ring, "
        "gem stone=gem:宝石"
    ),
    "instrument": (
        "saxophone=saxophone:萨克斯, trumpet, trombone, accordion, guitar, musical keyboard=piano keyboard:琴键, violin, "
        "banjo, drum, flute, harp"
    ),
    "device": (
        "loudspeaker, megaphone, bell, studio microphone=microphone:麦克风, microphone, headphone=headphones:耳机, radio, "
        "mobile phone, telephone, telephone receiver, pager, fax machine, battery, electric plug=plug:插头, laptop, "
        "desktop computer=desktop computer:台式电脑, printer, keyboard, computer mouse=computer mouse:鼠标, floppy disk, "
        "optical disk=CD:光盘, abacus, movie camera, clapper board, television, camera, camera with flash=camera:相机, "
        "video camera, videocassette, light bulb, flashlight, satellite antenna=satellite dish:卫星天线"
    ),
    "tool": (
        "magnifying glass tilted left=magnifying glass:放大镜, magnifying glass tilted right=magnifying glass:放大镜, candle, "
        "red paper lantern=red lantern:红灯笼, closed book=book:书, open book, green book=green book:绿色的书, "
        "blue book=blue book:蓝色的书, orange book=orange book:橙色的书, books=books:一摞书, notebook, scroll, newspaper, "
        "bookmark, label=tag:标签, coin, money bag, treasure chest, credit card, receipt, envelope, package=parcel:包裹, "
        "closed mailbox with raised flag=mailbox:信箱, closed mailbox with lowered flag=mailbox:信箱, "
        "open mailbox with raised flag=mailbox:信箱, postbox, pencil, fountain pen, pen=pen:圆珠笔, paintbrush, crayon, "
        "briefcase, file folder=folder:文件夹, calendar, clipboard, pushpin, round pushpin=pushpin:图钉, paperclip, "
        "straight ruler=ruler:直尺, triangular ruler=set square:三角尺, scissors, file cabinet, wastebasket=trash can:垃圾桶, "
        "locked=lock:锁, unlocked=open lock:打开的锁, key, old key=key:钥匙, hammer, axe, pick=pickaxe:镐, dagger, boomerang, "
        "bow and arrow, shield, carpentry saw=saw:锯子, wrench, screwdriver, gear, clamp, balance scale=balance scale:天平, "
        "chains, hook=hook:钩子, toolbox, magnet, ladder, shovel=shovel:铲子, test tube, microscope, telescope, syringe, pill, "
        "adhesive bandage=bandage:创可贴, crutch, stethoscope"
    ),
    "household": (
        "door, mirror, window, bed, chair, toilet, plunger=plunger:马桶搋子, bathtub, mouse trap, razor, lotion bottle, "
        "safety pin, broom, roll of paper=roll of toilet paper:卫生纸, bucket, soap=bar of soap:肥皂, toothbrush, sponge, "
        "fire extinguisher, spoon=spoon:勺子, chopsticks, kitchen knife, jar=jar:罐子, cigarette, coffin, "
        "headstone=gravestone:墓碑, moai=moai:摩艾石像"
    ),
    "person": (
        "cook, farmer, firefighter, detective, astronaut, police officer, construction worker, ninja, prince, princess, "
        "Santa Claus, baby angel=baby angel:小天使, vampire, superhero, pilot=pilot:飞行员, guard"
    ),
    "body part": "foot, ear, nose, brain, tooth=tooth:牙齿, bone, tongue, mouth, leg, eye",
}

# Real photographs, cut out. A name without Chinese is one of the names above; the stamps' own Chinese captions can't be trusted.
STAMPS: dict[str, str] = {
    "mammal": (
        "chimpanzee:黑猩猩, gorilla, badger, bear, european bear=bear:熊, bison, bull:公牛, cow, goat, mountaingoat=goat:山羊, "
        "ram, sheep, yak:牦牛, camel, dromedary=camel:骆驼, lion, tiger, caribou=reindeer:驯鹿, deer, doe=deer:鹿, "
        "dingo:澳洲野狗, dog, fox, echidna:针鼹, elephant, donkey, horse, zebra, ferret:雪貂, giraffe, hippopotamus, pig, "
        "little rabbit=rabbit:兔子, beaver, marmot:土拨鼠, mouse, rabbit, squirrel:松鼠, kangaroo, red kangaroo=kangaroo:袋鼠, "
        "koala, wombat:袋熊, otter, sea lion:海狮, black cat, bat"
    ),
    "bird": (
        "blackbird=black bird:黑鸟, crow:乌鸦, duck, guinea fowl:珍珠鸡, brown hen=hen:母鸡, little penguin=penguin:企鹅, "
        "Magellanic penguin=penguin:企鹅, magpie:喜鹊, ostrich:鸵鸟, owl, penguin, pigeon:鸽子, pink flamingo=flamingo:火烈鸟, "
        "colorful rooster=rooster:公鸡, seagull:海鸥, Silver Gull=seagull:海鸥, toucan:巨嘴鸟, turkey, vulture:秃鹫, chick"
    ),
    "reptile": "frog, iguana:鬣蜥",
    "sea animal": "seahorse:海马, shrimp, dolphin, whale",
    "insect": (
        "bee, butterfly, dragonfly:蜻蜓, fly, ladybug, happy snail=snail:蜗牛, grasshopper:蚱蜢, mantis:螳螂, spider, "
        "brown slug=slug:蛞蝓, hornet:大黄蜂"
    ),
    "fruit": (
        "apricot:杏, strawberry, green apple, red apple, banana, raspberry:树莓, bunch of grapes=grapes:葡萄, "
        "kiwifruit=kiwi:猕猴桃, yellow lemon=lemon:柠檬, mandarin orange=tangerine:橘子, mango, orange:橙子, "
        "yellow pear=pear:梨, pineapple, pomegranate:石榴, sliced lime=slice of lime:青柠片, "
        "sliced orange=slice of orange:橙子片, avocado fruit=avocado:牛油果"
    ),
    "vegetable": (
        "almond:杏仁, walnut:核桃, carrot, eggplant, garlic bulb=head of garlic:大蒜, head of lettuce:生菜, mushroom, onion, "
        "green pepper:青椒, brown potato=potato:土豆, very small pumpkin=pumpkin:南瓜, "
        "yam:山药, yellow pepper:黄椒"
    ),
    "flower": "daffodil:水仙花, rose",
    "plant": "palm tree, pinecone:松果, Christmas tree",
    "thing": (
        "pair of binoculars=binoculars:双筒望远镜, camera, teddy bear, rubber duck:橡皮鸭, basketball, soccer ball, "
        "tennis ball:网球, tennis racket:网球拍, cricket ball:板球, candle, Jack-o’-lantern=jack-o-lantern:南瓜灯, skull:头骨, "
        "ghost, birthday cake, hot air balloon:热气球, traffic cone:路锥, mailbox, red flag:红旗, "
        "green flag:绿旗, yellow flag:黄旗, white flag:白旗, checkered flag:方格旗, candy cane:拐杖糖, top hat, "
        "Christmas hat:圣诞帽, sombrero:宽边帽, blue fedora:蓝色礼帽, green fedora:绿色礼帽"
    ),
    "instrument": (
        "trumpet, drum kit:架子鼓, cello:大提琴, electric guitar:电吉他, classical guitar=guitar:吉他, violin, bassoon:巴松管"
    ),
    "household": (
        "lightbulb=light bulb:灯泡, glass of water:一杯水, mug:马克杯, teapot, nutcracker:胡桃夹子, pepper grinder:胡椒研磨器, "
        "electric kettle:电水壶, pressure cooker:高压锅, silver garbage can=trash can:垃圾桶"
    ),
    "tool": (
        "key, hammer, large metal mallet=mallet:木槌, large paintbrush=paintbrush:画笔, pair of pliers=pliers:钳子, saw, "
        "toolbox, wrench, adjustable wrench=wrench:扳手, syringe, pair of closed scissors=scissors:剪刀, "
        "pair of open scissors=scissors:剪刀"
    ),
    "building": "igloo:冰屋, windmill:风车, tent, tepee:圆锥形帐篷, pyramid:金字塔",
    "vehicle": (
        "pink tricycle=tricycle:三轮车, fire truck, green bus=bus:公交车, race car=racing car:赛车, "
        "double decker bus:双层巴士, steam locomotive=steam train:蒸汽火车"
    ),
    "aircraft": "airplane",
}

ANIMALS = frozenset({"mammal", "bird", "reptile", "sea animal", "insect"})

# Several at once, or a mass: these are never counted, and take no "a".
_GROUPS = (
    "bacon, ballet shoes, binoculars, blueberries, books, bread, butter, chains, cherries, chopsticks, fire, french fries, "
    "glasses, gloves, goggles, grapes, headphones, jeans, lipstick, pancakes, peanuts, pliers, popcorn, scissors, "
    "shaved ice, shorts, skis, socks, sunglasses"
)
NOT_COUNTED = frozenset(_GROUPS.split(", "))

# What a thing might be called as well: neither is said to be absent while the other is there.
ALSO_CALLED: dict[str, str] = {
    "bird": "chicken chick rooster hen turkey eagle duck goose swan owl dove pigeon parrot peacock flamingo penguin ostrich toucan",
    "fish": "shark whale dolphin blowfish seahorse",
    "car": "taxi ambulance truck bus",
    "truck": "ambulance",
    "train": "tram",
    "monkey": "gorilla orangutan chimpanzee",
    "dog": "wolf fox poodle dingo",
    "cat": "tiger lion leopard",
    "mouse": "hamster chipmunk marmot rabbit squirrel",
    "cow": "ox bull bison buffalo yak",
    "sheep": "ram goat llama",
    "pig": "boar",
    "deer": "moose reindeer",
    "horse": "donkey zebra unicorn",
    "bee": "hornet fly",
    "insect": "ladybug beetle cockroach",
    "lizard": "iguana crocodile dinosaur",
    "dinosaur": "t-rex dragon",
    "flower": "rose tulip sunflower hibiscus lotus hyacinth blossom bouquet daffodil",
    "boat": "ship canoe speedboat sailboat",
    "ball": "baseball basketball volleyball football",
    "bag": "backpack handbag purse suitcase briefcase",
    "shoe": "boot sandal flip-flop skate",
    "hat": "cap helmet fedora sombrero",
    "computer": "laptop",
    "phone": "telephone receiver",
    "orange": "tangerine",
    "apple": "pomegranate",
    "cake": "cupcake",
    "bread": "baguette croissant bagel",
    "medal": "trophy",
    "pepper": "chili",
    "cup": "mug glass coffee",
    "book": "notebook books",
    "pen": "pencil crayon",
    "moon": "planet",
    "tent": "tepee",
    "bike": "motorcycle bicycle scooter tricycle",
    "motorcycle": "scooter",
    "guitar": "banjo violin cello",
    "trumpet": "trombone saxophone",
    "flag": "golf",
    "eye": "glasses",
    "skull": "bone",
    "box": "parcel gift",
    "snowman": "snow",
    "lock": "key",
}
